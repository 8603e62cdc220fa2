import type { Role, StageAttempt } from '@trikd/core/domain/position';
import { createMomentRing, type MomentRing, roleStepOf, type TimedMoment } from '@trikd/core/timing/moments';
import type { RoleStep } from '@trikd/core/timing/role-step';
import { type SpanIds, type StepTracing, traceIdsOf } from '@trikd/core/timing/trace-ids';

/** A step to export as spans. */
export interface StepTrace {
  readonly attempt: StageAttempt;
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
interface RemoteCall {
  readonly participant: string;
  readonly started: number;
  readonly ended: number;
}

/** A step of a role, by the ids of its trace. */
export interface StepOfRole {
  readonly attempt: StageAttempt;
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

export const NO_FRAMES: readonly TracedFrame[] = [];

/** The latest steps of one attempt. */
export interface AttemptSteps {
  readonly attempt: StageAttempt;
  readonly role: Role;
  /** The trace id of a step; undefined if the attempt is not traced. */
  readonly traceIds: ((step: number) => string) | undefined;
  /** Adds a finished step and measures it; traces it if `sampled`, or if it received traced frames. */
  add(step: number, moments: readonly TimedMoment[], received: readonly TracedFrame[], sampled: boolean): void;
  /** Adds a request that was made for a step which is not finished yet. */
  called(step: number, call: RemoteCall): void;
  find(step: number): RoleStep | undefined;
  /** Traces a step unless it is traced already. Returns whether it is in the memory. */
  trace(step: number): boolean;
  /** The latest step; -1 if there is none. */
  last(): number;
}

/** @param capacity steps to remember */
export function createAttemptSteps(
  { runId, stage, attempt: number }: StageAttempt,
  role: Role,
  tracing: StepTracing | undefined,
  sink: StepSink,
  capacity: number,
): AttemptSteps {
  const attempt = { runId, stage, attempt: number };
  const traceIds = tracing && traceIdsOf(tracing.seed, attempt);
  const ring: MomentRing = createMomentRing(capacity);
  /** Frames of steps that received traced ones. */
  const framesOf = new Map<number, readonly TracedFrame[]>();
  /** Requests that were made for steps. */
  const callsOf = new Map<number, readonly RemoteCall[]>();
  const traced = new Set<number>();
  let last = -1;

  function find(step: number): RoleStep | undefined {
    const moments = ring.find(step);
    return moments && roleStepOf(role, step, moments);
  }

  function trace(step: number, roleStep = () => find(step)): boolean {
    if (!ring.has(step)) return false;
    if (!traceIds || traced.has(step)) return true;
    traced.add(step);
    sink.traced(() => {
      const found = roleStep();
      const calls = callsOf.get(step);
      const received = framesOf.get(step) ?? NO_FRAMES;
      return found && { attempt, traceId: traceIds(step), step: found, received, ...(calls && { calls }) };
    });
    return true;
  }

  return {
    attempt,
    role,
    traceIds,
    add(step, moments, received, sampled) {
      ring.keep(step, moments);
      last = step;
      framesOf.delete(step - capacity);
      callsOf.delete(step - capacity);
      traced.delete(step - capacity);
      let made: RoleStep | undefined;
      const roleStep = () => {
        made ??= find(step);
        return made;
      };
      sink.measured(roleStep);
      if (received.length > 0) framesOf.set(step, received);
      if (sampled || received.length > 0) trace(step, roleStep);
    },
    called(step, call) {
      if (traceIds) callsOf.set(step, [...(callsOf.get(step) ?? []), call]);
    },
    find,
    trace: (step) => trace(step),
    last: () => last,
  };
}
