import type { FrameSource, Role } from '../domain/role.js';
import type { RoleCheckpoint } from '../domain/role-checkpoint.js';
import type { Score } from '../domain/score.js';

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
