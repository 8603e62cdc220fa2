import type { Clock } from '../async/clock.js';
import type { Blob } from '../domain/blob.js';
import type { FrameSource } from '../domain/role.js';
import type { LogitsFrame } from '../exchange/frame.js';
import type { Params } from '../models/params.js';
import type { StepListener } from '../timing/moments.js';
import type { TrainerEvent } from './trainer-event.js';

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
