import type { Blob } from '../domain/blob.js';
import type { GenerationAttempt, Position } from '../domain/position.js';
import type { RoleCheckpoint } from '../domain/role-checkpoint.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { StepTracing } from '../timing/trace-ids.js';

/** One generation for one trainer, as the orchestrator assigns it. */
export interface Assignment {
  readonly attempt: GenerationAttempt;
  /** Of the orchestrator that assigns it. */
  readonly term: number;
  /** Random, of this attempt alone: proves to a producer of frames that a consumer belongs to the same attempt. */
  readonly exchangeSecret: string;
  readonly spec: RunSpec;
  /** Steps below it may be trained. */
  readonly limit: number;
  /** host:port of the models whose frames the objective needs. */
  readonly peerAddress?: string;
  readonly anchorAddress?: string;
  /** The checkpoint to start from; absent for fresh params at step 0. */
  readonly resume?: RoleCheckpoint;
  readonly tracing?: StepTracing;
}

/** First step to train. */
export function startStepOf({ resume }: Pick<Assignment, 'resume'>): number {
  return resume?.step ?? 0;
}

/** The anchor of one attempt of a generation, as the orchestrator assigns it. */
export interface AnchorAssignment {
  /** `step` is the first step that trainers will request. */
  readonly start: Position;
  /** Of the orchestrator that assigns it. */
  readonly term: number;
  /** Random, of this attempt alone: proves to a producer of frames that a consumer belongs to the same attempt. */
  readonly exchangeSecret: string;
  readonly spec: RunSpec;
  readonly params: Blob;
  readonly tracing?: StepTracing;
}
