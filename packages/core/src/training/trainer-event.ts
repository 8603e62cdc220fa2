import type { FailureKind } from '../domain/errors.js';
import type { RoleCheckpoint } from '../domain/role-checkpoint.js';
import type { Score } from '../domain/score.js';

/** The weighted value of one term of an objective. */
export interface LossTerm {
  /** `task`, or the participant that the term learns from. */
  readonly part: string;
  readonly value: number;
  /** Whether its gate let it take part in the step; absent without a gate. */
  readonly open?: boolean;
  /** The temperature that it learns, before the step's update; absent unless it is learned. */
  readonly temperature?: number;
}

export interface TrainerProgress {
  /** First step that is not trained. */
  readonly nextStep: number;
  readonly terms: readonly LossTerm[];
  /** Of the latest batch, by name. */
  readonly batchMetrics: Readonly<Record<string, number>>;
  /** Before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly stepsPerSecond: number;
  /** Share of the time spent waiting for frames, 0..1, by participant. */
  readonly waits: Readonly<Record<string, number>>;
}

/** What a trainer may have to wait for: the store, or the participant whose frames it needs, by name. */
export type StallCause = string;

/** Why an attempt ended early. Kind 'internal' stands for every error that is not a TrikdError: the trainer's log has it. */
export interface TrainerFailure {
  readonly kind: FailureKind;
  readonly message: string;
}

/** What a trainer emits. A checkpoint is emitted when it is stored; more steps may have been trained by then. */
export type TrainerEvent =
  | { readonly kind: 'progress'; readonly progress: TrainerProgress }
  | { readonly kind: 'evaluation'; readonly step: number; readonly validation: Score }
  | { readonly kind: 'checkpoint'; readonly checkpoint: RoleCheckpoint }
  | { readonly kind: 'resting'; readonly nextStep: number }
  /** Training continues but needs attention. */
  | { readonly kind: 'alarm'; readonly step: number; readonly message: string }
  /** Training waits, or soon will, and continues by itself. A new reason replaces the previous one. */
  | { readonly kind: 'stalled'; readonly on: StallCause; readonly reason: string }
  /** The wait is over. */
  | { readonly kind: 'went-on'; readonly on: StallCause }
  /** The process is about to exit. It pauses first if its limit is moved to a step that it can reach. */
  | { readonly kind: 'leaving' }
  /** The attempt is over, by an error. */
  | { readonly kind: 'failure'; readonly failure: TrainerFailure };
