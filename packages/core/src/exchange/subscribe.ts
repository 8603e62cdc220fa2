import { createBackoff } from '../async/backoff.js';
import type { Clock } from '../async/clock.js';
import { TrikdError } from '../domain/errors.js';
import type { Position, Role } from '../domain/position.js';
import type { Agreement, LogitsFrame } from './frame.js';
import { ALL_LOGITS, type FrameFormat } from './frame.js';
import { inOrder } from './in-order.js';

/** What a consumer requests of a producer. */
export interface Subscription {
  readonly consumer: Role;
  /** The participant whose frames are requested: one process may serve several. */
  readonly producer: string;
  /** First step to send. */
  readonly from: Position;
  readonly agreement: Agreement;
  /** Of the attempt. */
  readonly secret: string;
}

/** A connection to one producer, over which streams are opened one after the other. */
export interface ProducerLink {
  /**
   * Frames as the producer sends them, until it ends the stream or `signal` aborts.
   * @throws TrikdError 'unavailable' if the producer cannot be reached or the connection is lost; otherwise the error
   * that the producer rejected the request with
   */
  stream(asked: Subscription, signal: AbortSignal): AsyncIterable<LogitsFrame>;
  /** Whether the connection is established. */
  connected(): boolean;
  close(): void;
}

/** Creates the connection to the process of a role at an address, for frames of a format. Nothing is sent yet. */
export type Dial = (server: Role, address: string, agreement: Agreement, format: FrameFormat) => ProducerLink;

export interface SubscribeOptions extends Subscription {
  /** The process that serves them. */
  readonly server: Role;
  readonly address: string;
  readonly dial: Dial;
  /** Of the frames. Default: all logits in float32. */
  readonly format?: FrameFormat;
  /** Longest wait for one frame, reconnects included. */
  readonly stepTimeoutSeconds: number;
  /** Longest wait for the first connection. Default 10. */
  readonly connectTimeoutSeconds?: number;
  /** Called once per frame when it has been awaited for half of the timeout, as a warning. */
  readonly slow?: (wait: FrameWait) => void;
  /** Ends the subscription, which then throws the signal's reason. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Uniform on [0, 1): spreads reconnects. */
  readonly random: () => number;
}

/** A consumer that waits for a frame, and for how long. */
export interface FrameWait {
  readonly consumer: Role;
  readonly producer: string;
  readonly address: string;
  readonly step: number;
  readonly seconds: number;
  /** Why the latest connection was lost or refused. */
  readonly trouble?: string;
}

/**
 * Describes a wait in one sentence. Why the connection fails is for the log of the consumer: others must not learn what is at an address.
 */
export function sentenceOf({ consumer, producer, address, step, seconds }: FrameWait): string {
  return `the ${consumer} has waited ${seconds} s for step ${step} of the ${producer} at ${address}`;
}

/**
 * The frames of another model in step order, each once. A lost connection is dialled again from the first step that was
 * not received; other errors are not retried. Dials at the first `next()`.
 * @throws TrikdError 'unavailable' if a frame does not arrive in time or the producer cannot be reached; 'out-of-step' for
 * whatever else the producer has ended the stream with
 */
export function subscribe(options: SubscribeOptions): AsyncGenerator<LogitsFrame, void> {
  return inOrder(received(options), options.from.step);
}

async function* received(options: SubscribeOptions): AsyncGenerator<LogitsFrame, void> {
  const { address, agreement, format = ALL_LOGITS, consumer, from, producer, secret, clock, random } = options;
  const link = options.dial(options.server, address, agreement, format);
  const backoff = createBackoff({ firstMs: 50, maxMs: 2_000, random });
  const patience = createPatience(options, link);
  let step = from.step;
  patience.start(step);
  try {
    for (;;) {
      let lost: TrikdError | undefined;
      try {
        const request = { consumer, producer, agreement, secret, from: { ...from, step } };
        for await (const frame of link.stream(request, patience.over)) {
          const { step: sent } = frame.position;
          // A frame that comes again is dropped, and is no progress: the wait for the next one goes on.
          if (sent < step) {
            yield frame;
            continue;
          }
          patience.stop();
          backoff.reset();
          yield frame;
          step = sent + 1;
          patience.start(step);
        }
      } catch (error) {
        if (patience.over.aborted) throw patience.over.reason;
        if (!(error instanceof TrikdError)) throw error;
        if (error.kind !== 'unavailable') throw asSaid(error);
        lost = error;
      }
      patience.over.throwIfAborted();
      if (!lost) {
        throw new TrikdError('unavailable', `the ${producer} at ${address} ended its stream before step ${step}`);
      }
      patience.trouble(lost.message);
      await clock.sleep(backoff.next(), patience.over);
    }
  } finally {
    patience.end();
    link.close();
  }
}

/**
 * What a producer ends its stream with, as the consumer reports it. Its kind is hearsay: a producer that diverged or found damage reports
 * that itself, and whoever answers at its address must not decide that a run cannot go on.
 */
function asSaid(error: TrikdError): TrikdError {
  if (error.kind === 'out-of-step') return error;
  return new TrikdError('out-of-step', error.message, { ...error.details, kind: error.kind }, { cause: error });
}

/** Measures how long one frame is awaited, across reconnects. */
interface Patience {
  /** Aborts with a TrikdError when the wait exceeds the timeout, or with the reason of the caller's signal. */
  readonly over: AbortSignal;
  /** The wait for a frame starts. */
  start(step: number): void;
  /** The frame has arrived. */
  stop(): void;
  /** Why the latest attempt to connect failed, for the log. */
  trouble(reason: string): void;
  end(): void;
}

function createPatience(options: SubscribeOptions, link: ProducerLink): Patience {
  const { address, consumer, producer, signal, clock, slow, stepTimeoutSeconds, connectTimeoutSeconds = 10 } = options;
  const over = new AbortController();
  const ended = new AbortController();
  let step = options.from.step;
  let trouble = '';
  let since: number | undefined;
  let reported = -1;
  let heard = false;

  const waited = (seconds: number): FrameWait => ({
    consumer,
    producer,
    address,
    step,
    seconds,
    ...(trouble && { trouble }),
  });
  const giveUp = (wait: FrameWait, sentence: string) =>
    over.abort(new TrikdError('unavailable', sentence, { ...wait }));
  // One timer serves all frames: a wait that started during its sleep is not yet overdue when it fires.
  const watch = async () => {
    const [half, all] = [500 * stepTimeoutSeconds, 1000 * stepTimeoutSeconds];
    for (;;) {
      const now = clock.now();
      const ms = now - (since ?? now);
      if (ms >= all) return giveUp(waited(stepTimeoutSeconds), sentenceOf(waited(stepTimeoutSeconds)));
      if (ms >= half && reported !== step) {
        reported = step;
        slow?.(waited(stepTimeoutSeconds / 2));
      }
      await clock.sleep((ms < half ? half : all) - ms, ended.signal);
    }
  };
  const connect = async () => {
    await clock.sleep(connectTimeoutSeconds * 1000, ended.signal);
    if (heard || link.connected()) return;
    giveUp(
      waited(connectTimeoutSeconds),
      `the ${producer} at ${address} did not answer for ${connectTimeoutSeconds} s; the log of the ${consumer} says why`,
    );
  };
  // These fail only when the subscription ends.
  for (const each of [watch, connect]) each().catch(() => undefined);

  const leave = () => over.abort(signal.reason);
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave, { once: true });

  return {
    over: over.signal,
    start(waitedFor) {
      step = waitedFor;
      since = clock.now();
    },
    stop() {
      since = undefined;
      heard = true;
      trouble = '';
    },
    trouble(reason) {
      trouble = reason;
    },
    end() {
      ended.abort();
      signal.removeEventListener('abort', leave);
    },
  };
}
