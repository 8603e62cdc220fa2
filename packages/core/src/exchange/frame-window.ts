import { createBell } from '../async/bell.js';
import { TrikdError } from '../domain/errors.js';
import type { Role, StageAttempt } from '../domain/position.js';
import type { LogitsFrame } from './frame.js';

/** The producer's side of an exchange: the latest frames of one model in one attempt. */
export interface FrameWindow {
  /**
   * Adds the frame of the next step. Waits while that would evict a frame that an expected consumer has not taken, so a
   * producer is never further ahead of its slowest consumer than the window.
   * @throws TrikdError 'out-of-step' for another position, or the error that the window was closed with
   */
  publish(frame: LogitsFrame): Promise<void>;
  /**
   * Frames in step order from `fromStep`: retained ones first, then new ones as they arrive. Ends when the window was
   * closed without an error and all frames were taken, or when `signal` aborts. A later call for the same consumer
   * supersedes this one.
   * @throws TrikdError 'out-of-step' if `fromStep` has left the window or the stream was superseded, or the error that
   * the window was closed with
   */
  frames(consumer: Role, fromStep: number, signal?: AbortSignal): AsyncGenerator<LogitsFrame, void>;
  /** Ends the exchange. Without `error` consumers may take the remaining frames; with it, all waiters get the error. */
  close(error?: TrikdError): void;
  /** First step that is not published. */
  readonly nextStep: number;
  /** Oldest retained step, or the first step if none was published. */
  readonly oldestStep: number;
}

export interface FrameWindowOptions {
  readonly attempt: StageAttempt;
  /** Step of the first frame. */
  readonly firstStep: number;
  /** Frames to retain; at least 2. */
  readonly size: number;
  /** Roles that must take every frame. A producer without consumers never waits. */
  readonly consumers: readonly Role[];
}

/** A consumer's position. `stream` counts its streams, so that a newer one supersedes an older one. */
interface Place {
  next: number;
  stream: number;
}

/**
 * Two frames are the minimum that lets a pair in lockstep survive a lost connection: a producer that publishes step k
 * has received the peer's frame k-1, which the peer made after receiving step k-2. So the peer may still request k-1
 * and k, never an earlier step.
 */
const LEAST_RETAINED = 2;

/** Creates an empty window. It holds at most `size` frames, whatever the consumers do. */
export function createFrameWindow({ attempt, firstStep, size, consumers }: FrameWindowOptions): FrameWindow {
  const capacity = Math.max(LEAST_RETAINED, size);
  const ring: LogitsFrame[] = [];
  const places = new Map<Role, Place>(consumers.map((role) => [role, { next: firstStep, stream: 0 }]));
  let nextStep = firstStep;
  let closed: { readonly error: TrikdError | undefined } | undefined;
  const bell = createBell();

  const oldestStep = () => Math.max(firstStep, nextStep - capacity);
  const hasRoom = () => nextStep - firstStep < capacity || consumers.every((role) => taken(role) > oldestStep());
  const taken = (role: Role) => places.get(role)?.next ?? firstStep;

  async function publish(frame: LogitsFrame): Promise<void> {
    assertNext(frame, attempt, nextStep);
    while (!closed && !hasRoom()) await bell.heard();
    if (closed) throw closed.error ?? new TrikdError('wrong-state', `the exchange was closed before step ${nextStep}`);
    ring[nextStep % capacity] = frame;
    nextStep += 1;
    bell.ring();
  }

  function enter(consumer: Role, fromStep: number): { readonly place: Place; readonly stream: number } {
    if (fromStep < oldestStep()) {
      throw new TrikdError(
        'out-of-step',
        `${consumer} asked for step ${fromStep}, the oldest retained is ${oldestStep()}`,
        { consumer, fromStep, oldestStep: oldestStep() },
      );
    }
    const place = places.get(consumer) ?? { next: fromStep, stream: 0 };
    places.set(consumer, place);
    place.next = fromStep;
    place.stream += 1;
    bell.ring();
    return { place, stream: place.stream };
  }

  async function* frames(consumer: Role, fromStep: number, signal?: AbortSignal): AsyncGenerator<LogitsFrame, void> {
    const { place, stream } = enter(consumer, fromStep);
    signal?.addEventListener('abort', bell.ring, { once: true });
    try {
      while (!signal?.aborted) {
        if (place.stream !== stream) {
          throw new TrikdError('out-of-step', `another stream of the ${consumer} took over at step ${place.next}`);
        }
        if (closed?.error) throw closed.error;
        if (place.next < nextStep) {
          const frame = ring[place.next % capacity]!;
          place.next += 1;
          bell.ring();
          yield frame;
        } else if (closed) return;
        else await bell.heard();
      }
    } finally {
      signal?.removeEventListener('abort', bell.ring);
    }
  }

  return {
    publish,
    frames,
    close(error) {
      closed ??= { error };
      // No consumer gets them any more, and an idle consumer keeps the window alive.
      if (closed.error) ring.length = 0;
      bell.ring();
    },
    get nextStep() {
      return nextStep;
    },
    get oldestStep() {
      return oldestStep();
    },
  };
}

function assertNext({ position }: LogitsFrame, attempt: StageAttempt, nextStep: number): void {
  const { runId, stage, step } = position;
  const sameAttempt = runId === attempt.runId && stage === attempt.stage && position.attempt === attempt.attempt;
  if (sameAttempt && step === nextStep) return;
  throw new TrikdError(
    'out-of-step',
    `published ${runId} stage ${stage} attempt ${position.attempt} step ${step}, ` +
      `expected ${attempt.runId} stage ${attempt.stage} attempt ${attempt.attempt} step ${nextStep}`,
    { position, attempt, nextStep },
  );
}
