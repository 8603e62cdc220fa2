import type { Clock } from '../async/clock.js';
import type { GenerationAttempt, Role, TrainedRole } from '../domain/position.js';
import type { LogitsFrame } from '../exchange/frame.js';
import type { Params } from '../models/params.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { StepListener } from '../timing/moments.js';

/** An object in the store, named by what it must contain. */
export interface Blob {
  readonly key: string;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** How well a model does on one split. */
export interface Score {
  /** Share of examples whose largest logit is the label, 0..1. */
  readonly accuracy: number;
  /** Mean negative log-likelihood of the label, natural logarithm. */
  readonly nll: number;
  readonly examples: number;
}

/** The best validated params of a generation so far. */
export interface BestParams {
  /** Steps trained before it. */
  readonly step: number;
  readonly validation: Score;
  /** Reported, never used. Only known at the end of a generation. */
  readonly test?: Score;
  readonly params: Blob;
}

/** One role's part of a checkpoint: everything that resuming at `step` needs. */
export interface RoleCheckpoint {
  /** Steps trained before it. */
  readonly step: number;
  /** Params, batch-norm statistics and optimizer slots. */
  readonly state: Blob;
  /** Absent before the first validation. */
  readonly best?: BestParams;
}

/** The value of one term of an objective, weighted as in the loss. */
export interface LossTerm {
  readonly part: 'task' | 'anchor' | 'peer';
  readonly value: number;
}

export interface TrainerProgress {
  /** First step that is not yet trained. */
  readonly nextStep: number;
  readonly terms: readonly LossTerm[];
  readonly batchAccuracy: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly stepsPerSecond: number;
  /** Share of the time spent waiting for frames, 0..1, by the source waited for. */
  readonly waits: Readonly<Partial<Record<FrameSource, number>>>;
}

/** Whom a trainer may have to wait for: the store, or a model that it hears. */
export type StallCause = 'store' | Role;

/** What a trainer tells whoever watches it. A checkpoint is told when it is stored, and steps may be trained meanwhile. */
export type TrainerEvent =
  | { readonly kind: 'progress'; readonly progress: TrainerProgress }
  | { readonly kind: 'evaluation'; readonly step: number; readonly validation: Score }
  | { readonly kind: 'checkpoint'; readonly checkpoint: RoleCheckpoint }
  | { readonly kind: 'resting'; readonly nextStep: number }
  /** Training goes on, but somebody should look. */
  | { readonly kind: 'alarm'; readonly step: number; readonly message: string }
  /** Training waits, or soon will, and goes on by itself. A new reason replaces the one before. */
  | { readonly kind: 'stalled'; readonly on: StallCause; readonly reason: string }
  /** What was waited for is there. */
  | { readonly kind: 'went-on'; readonly on: StallCause }
  /** The process is about to end, and rests first if its limit is moved to a step that it can reach. */
  | { readonly kind: 'leaving' };

/** The models a trainer hears, as its objective names them. */
export type FrameSource = 'anchor' | 'peer';

/** One generation for one trainer, from one step on. */
export interface Assignment {
  readonly role: TrainedRole;
  readonly spec: RunSpec;
  readonly attempt: GenerationAttempt;
  /** First step to train. */
  readonly startStep: number;
  /** State at `startStep`; absent for fresh params, and then `startStep` is 0. */
  readonly resume?: { readonly state: Params; readonly best?: BestParams };
}

/** The step before which a trainer rests. Somebody else moves it. */
export interface StepLimit {
  /** The present limit: steps below it may be trained. */
  readonly value: number;
  /** Resolves when the limit is no longer `value`. Rejects when the attempt is abandoned. */
  changed(value: number): Promise<void>;
}

/** Everything a trainer touches besides its own model. None of it is known to be remote. */
export interface TrainerPorts {
  /** Frames in step order from `startStep`, one iterator for each source that the objective hears. */
  readonly frames: Readonly<Partial<Record<FrameSource, AsyncIterator<LogitsFrame>>>>;
  /** Hands out the own frame of a step. Resolves when there is room for it. */
  publish(frame: LogitsFrame): Promise<void>;
  readonly limit: StepLimit;
  /** Whether a checkpoint of `step` was asked for. Never comes to be true once the step has begun. */
  savesAt(step: number): boolean;
  /** Stores params under a key that names their content. */
  save(params: Params): Promise<Blob>;
  /** Reads what `save` stored, verified. */
  load(blob: Blob): Promise<Params>;
  emit(event: TrainerEvent): void;
  /** Told of every moment of every step. */
  readonly steps?: StepListener;
  readonly clock: Clock;
  /** Aborts the attempt. */
  readonly signal: AbortSignal;
}
