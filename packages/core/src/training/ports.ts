import type { Clock } from '../async/clock.js';
import type { Blob } from '../domain/blob.js';
import type { LogitsFrame } from '../exchange/frame.js';
import type { Params } from '../models/params.js';
import type { StepListener } from '../timing/moments.js';
import type { TrainerEvent } from './trainer-event.js';

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
