import type { Clock } from '@trikd/core/async/clock';
import { blobsFolder, loadParams, saveParams } from '@trikd/core/checkpoint/blobs';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { FrameWindow } from '@trikd/core/exchange/frame-window';
import type { Params } from '@trikd/core/models/params';
import type { StepLimit, TrainerPorts } from '@trikd/core/training/ports';
import type { Logger } from '@trikd/process/logging';
import type { AttemptEvents } from './attempt-events.js';
import type { FrameSubscriptions } from './frame-subscriptions.js';
import type { Rest } from './rest.js';

/** What the ports of one attempt connect to. */
export interface PortTargets {
  readonly attempt: GenerationAttempt;
  readonly frames: FrameSubscriptions;
  readonly window: FrameWindow;
  readonly limit: StepLimit;
  /** Steps whose checkpoints were requested, besides the planned ones. */
  readonly requestedSaves: ReadonlySet<number>;
  readonly store: ObjectStore;
  readonly events: AttemptEvents;
  readonly rest: Rest;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts the training loop. */
  readonly abandoned: AbortSignal;
  /** Aborts when the attempt has ended, for whatever reason. */
  readonly ended: AbortSignal;
}

/** Connects the ports of a training loop. */
export function attemptPorts(targets: PortTargets): TrainerPorts {
  const { attempt, frames, window, limit, requestedSaves, store, events, rest, clock, abandoned } = targets;
  return {
    frames,
    publish: (frame) => window.publish(frame),
    limit,
    savesAt: (step) => requestedSaves.has(step),
    save: (params) => savedOrLogged(targets, attempt, params),
    load: (blob) => loadParams(store, blob),
    emit: (event) => {
      events.emit(event);
      if (event.kind === 'resting') rest.before(event.nextStep);
    },
    clock,
    signal: abandoned,
  };
}

/** The loop need not fail for a checkpoint that is not saved: if it fails at a later step, only that error is reported. */
async function savedOrLogged({ store, log, ended }: PortTargets, attempt: GenerationAttempt, params: Params) {
  try {
    return await saveParams(store, blobsFolder(attempt), params);
  } catch (error) {
    if (!ended.aborted) log.warn({ err: error }, 'params not saved');
    throw error;
  }
}
