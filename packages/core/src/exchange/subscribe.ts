import { createBackoff } from '../async/backoff.js';
import type { Clock } from '../async/clock.js';
import { TrikdError } from '../domain/errors.js';
import type { Position } from '../domain/position.js';
import type { Role } from '../domain/role.js';
import type { Agreement, LogitsFrame } from './frame.js';
import { inOrder } from './in-order.js';

/** What a consumer asks a producer for. */
export interface Subscription {
  readonly consumer: Role;
  /** The first step wanted. */
  readonly from: Position;
  readonly agreement: Agreement;
}

/** A way to one producer, over which streams are opened one after the other. */
export interface ProducerLink {
  /**
   * Frames as the producer sends them, until it ends them or `signal` aborts.
   * @throws TrikdError 'unavailable' when nobody is there or the connection is lost; what the producer refused otherwise.
   */
  stream(asked: Subscription, signal: AbortSignal): AsyncIterable<LogitsFrame>;
  /** Whether somebody is at the other end now. */
  connected(): boolean;
  close(): void;
}

/** Makes the way to `producer` at an address: host:port, or unix:path. Nothing is sent yet. */
export type Dial = (producer: Role, address: string, agreement: Agreement) => ProducerLink;

export interface SubscribeOptions extends Subscription {
  /** Who is heard. */
  readonly producer: Role;
  readonly address: string;
  readonly dial: Dial;
  /** Longest wait for one frame, reconnects included. */
  readonly stepTimeoutSeconds: number;
  /** Longest wait for the first connection. Default 10. */
  readonly connectTimeoutSeconds?: number;
  /** Told of a wait that has lasted half as long as it may, once a frame: somebody should look. */
  readonly slow?: (wait: FrameWait) => void;
  /** Ends the subscription; its reason is thrown. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Uniform on [0, 1): spreads reconnects. */
  readonly random: () => number;
}

/** Who waits for what, and for how long now. */
export interface FrameWait {
  readonly consumer: Role;
  readonly producer: Role;
  readonly address: string;
  readonly step: number;
  readonly seconds: number;
  /** Why the newest connection was lost, or could not be had. */
  readonly trouble?: string;
}

/** A wait as one sentence. */
export function sentenceOf({ consumer, producer, address, step, seconds, trouble }: FrameWait): string {
  const why = trouble ? `: ${trouble}` : '';
  return `the ${consumer} has waited ${seconds} s for step ${step} of the ${producer} at ${address}${why}`;
}

/**
 * The frames of another model in step order, each once. A lost connection is dialled again, from the first step that was not received;
 * nothing else is. Dials at the first `next()`.
 * @throws TrikdError 'unavailable' when a frame does not come in time or nobody answers, or what the producer refused otherwise.
 */
export function subscribe(options: SubscribeOptions): AsyncGenerator<LogitsFrame, void> {
  return inOrder(received(options), options.from.step);
}

async function* received(options: SubscribeOptions): AsyncGenerator<LogitsFrame, void> {
  const { address, agreement, consumer, from, producer, clock, random } = options;
  const link = options.dial(producer, address, agreement);
  const backoff = createBackoff({ firstMs: 50, maxMs: 2_000, random });
  const patience = createPatience(options, link);
  let step = from.step;
  patience.start(step);
  try {
    for (;;) {
      let lost: TrikdError | undefined;
      try {
        for await (const frame of link.stream({ consumer, agreement, from: { ...from, step } }, patience.over)) {
          patience.stop();
          backoff.reset();
          yield frame;
          step = frame.position.step + 1;
          patience.start(step);
        }
      } catch (error) {
        if (patience.over.aborted) throw patience.over.reason;
        if (!(error instanceof TrikdError && error.kind === 'unavailable')) throw error;
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

/** Counts how long one frame is waited for, over all reconnects. */
interface Patience {
  /** Aborts with a TrikdError when the wait was too long, or with the reason of the caller's signal. */
  readonly over: AbortSignal;
  /** A frame is waited for. */
  start(step: number): void;
  /** It came. */
  stop(): void;
  /** Why the newest attempt failed, for the message. */
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
  let told = -1;
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
  // One sleeper for all frames: what began while it slept is not overdue when it wakes.
  const watch = async () => {
    const [half, all] = [500 * stepTimeoutSeconds, 1000 * stepTimeoutSeconds];
    for (;;) {
      const now = clock.now();
      const ms = now - (since ?? now);
      if (ms >= all) return giveUp(waited(stepTimeoutSeconds), sentenceOf(waited(stepTimeoutSeconds)));
      if (ms >= half && told !== step) {
        told = step;
        slow?.(waited(stepTimeoutSeconds / 2));
      }
      await clock.sleep((ms < half ? half : all) - ms, ended.signal);
    }
  };
  const connect = async () => {
    await clock.sleep(connectTimeoutSeconds * 1000, ended.signal);
    if (heard || link.connected()) return;
    const sentence = `nobody answers at ${address} for the ${producer}, tried for ${connectTimeoutSeconds} s`;
    giveUp(waited(connectTimeoutSeconds), trouble ? `${sentence}: ${trouble}` : sentence);
  };
  // They fail of nothing but the end of the subscription.
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
