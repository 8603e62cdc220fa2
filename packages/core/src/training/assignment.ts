import type { Blob } from '../domain/blob.js';
import type { GenerationAttempt, Position } from '../domain/position.js';
import type { RoleCheckpoint } from '../domain/role-checkpoint.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { StepTracing } from '../timing/trace-ids.js';

/** One stage for one trainer, as the orchestrator assigns it. */
export interface Assignment {
  readonly attempt: GenerationAttempt;
  /** Of the orchestrator that assigns it. */
  readonly term: number;
  /** Random, of this attempt alone: proves to a producer of frames that a consumer belongs to the same attempt. */
  readonly exchangeSecret: string;
  readonly spec: RunSpec;
  /** Steps below it may be trained. */
  readonly limit: number;
  /** host:port of the participants whose frames the objective needs, by name. */
  readonly sources: Readonly<Record<string, string>>;
  /** host:port of the trainers that compute the learner's further replicas, from rank 1 on; absent: those of the trainer's configuration. */
  readonly replicas?: readonly string[];
  /** Whether a student was promoted before this stage. */
  readonly promoted: boolean;
  /** Params of an earlier stage to start from, where the learner does not start from fresh ones. */
  readonly init?: Blob;
  /** The checkpoint to start from; absent for fresh params at step 0. */
  readonly resume?: RoleCheckpoint;
  readonly tracing?: StepTracing;
}

/** First step to train. */
export function startStepOf({ resume }: Pick<Assignment, 'resume'>): number {
  return resume?.step ?? 0;
}

/** The frozen models of one attempt of a stage, as the orchestrator assigns them. */
export interface FrozenAssignment {
  /** `step` is the first step that trainers will request. */
  readonly start: Position;
  /** Of the orchestrator that assigns it. */
  readonly term: number;
  /** Random, of this attempt alone: proves to a producer of frames that a consumer belongs to the same attempt. */
  readonly exchangeSecret: string;
  readonly spec: RunSpec;
  /** Of each frozen model of the stage, by name. */
  readonly params: Readonly<Record<string, Blob>>;
  readonly tracing?: StepTracing;
}
