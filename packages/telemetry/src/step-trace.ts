import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { Role } from '@trikd/core/domain/role';
import type { RoleStep } from '@trikd/core/timing/role-step';
import type { SpanIds } from '@trikd/core/timing/trace-ids';

/** A step to export as spans. */
export interface StepTrace {
  readonly attempt: GenerationAttempt;
  readonly traceId: string;
  readonly step: RoleStep;
  /** The frames that it received with a trace context. */
  readonly received: readonly TracedFrame[];
  /** The requests to models of other servers that were made for it; absent: none. */
  readonly calls?: readonly RemoteCall[];
  /** The error that ended the step. */
  readonly error?: unknown;
}

/** A frame whose producer has sampled the step. */
export interface TracedFrame {
  readonly from: Role;
  /** The producer's span, unless its ids follow from the step. */
  readonly span?: SpanIds;
}

/** A request to a model of another server. Times are in milliseconds since 1970. */
export interface RemoteCall {
  readonly participant: string;
  readonly started: number;
  readonly ended: number;
}

/** A step of a role, by the ids of its trace. */
export interface StepOfRole {
  readonly attempt: GenerationAttempt;
  readonly traceId: string;
  readonly role: Role;
  readonly step: number;
}

/** Receives finished steps. The functions return undefined if the step has left the memory when they are called. */
export interface StepSink {
  /** Every step. */
  measured(step: () => RoleStep | undefined): void;
  /** A step to trace. */
  traced(trace: () => StepTrace | undefined): void;
  /** A checkpoint that was being stored between two times; it belongs to the step before it. */
  saved(where: StepOfRole, started: number, ended: number): void;
}

export const NO_SINK: StepSink = { measured: () => undefined, traced: () => undefined, saved: () => undefined };
