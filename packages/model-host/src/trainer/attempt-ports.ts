import type { Clock } from '@trikd/core/async/clock';
import { blobsFolder, loadParams, saveParams } from '@trikd/core/checkpoint/blobs';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { StageAttempt, TrainedRole } from '@trikd/core/domain/position';
import { type Agreement, formatOf, type LogitsFrame } from '@trikd/core/exchange/frame';
import type { FrameWindow } from '@trikd/core/exchange/frame-window';
import { type FrameWait, subscribe } from '@trikd/core/exchange/subscribe';
import type { Params } from '@trikd/core/models/params';
import type { Stage } from '@trikd/core/stages/stage';
import { type Assignment, startStepOf } from '@trikd/core/training/assignment';
import type { StepLimit, TrainerPorts } from '@trikd/core/training/ports';
import { type FaultPoint, faultPoint, positionOf } from '@trikd/process/fault-points';
import type { Logger } from '@trikd/process/logging';
import type { AttemptEvents, Rest } from './attempt-events.js';
import type { TrainerParts } from './trainer-parts.js';

/** What the ports of one attempt connect to. */
export interface PortTargets {
  readonly attempt: StageAttempt;
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
async function savedOrLogged({ store, log, ended }: PortTargets, attempt: StageAttempt, params: Params) {
  try {
    return await saveParams(store, blobsFolder(attempt), params);
  } catch (error) {
    if (!ended.aborted) log.warn({ err: error }, 'params not saved');
    throw error;
  }
}

/** One stream of frames for each participant that the trainer consumes from, by name. */
type FrameSubscriptions = Readonly<Record<string, AsyncGenerator<LogitsFrame, void>>>;

export interface SubscriptionOptions {
  readonly agreement: Agreement;
  /** Called when a frame is overdue. */
  readonly slow: (wait: FrameWait) => void;
  /** Ends the subscriptions. */
  readonly signal: AbortSignal;
}

/** Subscribes to the participants whose addresses are in the assignment. */
export function subscribeToFrames(
  { role, dial, clock, random }: Pick<TrainerParts, 'role' | 'dial' | 'clock' | 'random'>,
  assignment: Assignment,
  { learners }: Stage,
  options: SubscriptionOptions,
): FrameSubscriptions {
  const { attempt, spec, sources, exchangeSecret: secret } = assignment;
  const common = {
    ...options,
    consumer: role,
    secret,
    from: { ...attempt, step: startStepOf(assignment) },
    format: formatOf(spec, options.agreement.classes),
    stepTimeoutSeconds: spec.exchange.stepTimeout,
    dial,
    clock,
    random,
  };
  const streams = Object.entries(sources).map(([producer, address]) => {
    const server = learners.find(({ name }) => name === producer)?.slot ?? 'anchor';
    return [producer, subscribe({ ...common, producer, server, address })] as const;
  });
  return Object.fromEntries(streams);
}

/** Adds the fault points of a training loop to its ports. */
export function observedPorts(
  ports: TrainerPorts,
  role: TrainedRole,
  { frozen }: Stage,
  attempt: StageAttempt,
): TrainerPorts {
  const at = (point: FaultPoint, step: number) => faultPoint(point, () => ({ ...attempt, role, step }));
  const frames = Object.entries(ports.frames).map(([source, each]) => {
    const point = frozen.some(({ name }) => name === source) ? 'frame.from-anchor' : 'frame.from-peer';
    return [source, observedFrames(each, point, role)] as const;
  });
  return {
    ...ports,
    frames: Object.fromEntries(frames),
    publish: async (frame) => {
      at('frame.publishing', frame.position.step);
      await ports.publish(frame);
      at('frame.published', frame.position.step);
    },
    emit: (event) => {
      if (event.kind === 'progress') at('step.trained', event.progress.nextStep - 1);
      if (event.kind === 'checkpoint') at('checkpoint.stored', event.checkpoint.step);
      if (event.kind === 'resting') at('trainer.resting', event.nextStep);
      ports.emit(event);
    },
  };
}

/** `next` is all that the training loop calls. */
function observedFrames(
  frames: AsyncIterator<LogitsFrame>,
  point: FaultPoint,
  role: TrainedRole,
): AsyncIterator<LogitsFrame> {
  return {
    next: async () => {
      const next = await frames.next();
      if (!next.done) faultPoint(point, () => ({ ...positionOf(next.value.position), role }));
      return next;
    },
  };
}
