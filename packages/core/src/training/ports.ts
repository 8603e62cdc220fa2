import type { Clock } from '../async/clock.js';
import type { FailureKind } from '../domain/errors.js';
import type { Blob, RoleCheckpoint, Score } from '../domain/role-checkpoint.js';
import type { LogitsFrame } from '../exchange/frame.js';
import type { Params } from '../models/params.js';
import type { StepListener } from '../timing/moments.js';

/** The step before which a trainer pauses. The orchestrator moves it. */
export interface StepLimit {
  /** The current limit: steps below it may be trained. */
  readonly value: number;
  /** Resolves when the limit differs from `value`. Rejects when the attempt is abandoned. */
  changed(value: number): Promise<void>;
}

/** Everything that a trainer touches besides its model. Whether any of it is remote, the trainer cannot tell. */
export interface TrainerPorts {
  /** Frames in step order from `startStep`, one iterator for each participant that the objective needs, by its name. */
  readonly frames: Readonly<Record<string, AsyncIterator<LogitsFrame>>>;
  /** Publishes the trainer's own frame of a step. Resolves when there is room for it. */
  publish(frame: LogitsFrame): Promise<void>;
  readonly limit: StepLimit;
  /** Whether a checkpoint of `step` was requested. Once the step has started, no new request is accepted. */
  savesAt(step: number): boolean;
  /** Stores params under a key that names their content. */
  save(params: Params): Promise<Blob>;
  /** Reads what `save` stored, verified. */
  load(blob: Blob): Promise<Params>;
  emit(event: TrainerEvent): void;
  /** Receives every moment of every step. */
  readonly steps?: StepListener;
  readonly clock: Clock;
  /** Aborts the attempt. */
  readonly signal: AbortSignal;
}

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
