import { setTimeout as pause } from 'node:timers/promises';
import { Client, type ClientReadableStream, connectivityState, credentials } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/errors';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { inOrder } from '@trikd/core/exchange/in-order';
import type { Role } from '@trikd/core/position';
import { createBackoff } from './backoff.js';
import { exchangeChannel } from './channel-options.js';
import { fromSubscription, type Subscription } from './convert.js';
import { ExchangeDefinition } from './frame-codec.js';
import { fromStatus, isDisconnect } from './status.js';

export interface SubscribeOptions extends Subscription {
  /** Who is heard. */
  readonly producer: Role;
  /** host:port, or unix:path. */
  readonly address: string;
  /** Longest wait for one frame, reconnects included. */
  readonly stepTimeoutSeconds: number;
  /** Longest wait for the first connection. Default 10. */
  readonly connectTimeoutSeconds?: number;
  /** Ends the subscription; its reason is thrown. */
  readonly signal: AbortSignal;
  /** Uniform on [0, 1): spreads reconnects. */
  readonly random?: () => number;
}

/**
 * The frames of another model in step order, each once. A lost connection is dialled again, from the first step that was not received;
 * nothing else is. Dials at the first `next()`.
 * @throws TrikdError 'unavailable' when a frame does not come in time or nobody answers, out of what the producer refused otherwise.
 */
export function subscribe(options: SubscribeOptions): AsyncGenerator<LogitsFrame, void> {
  return inOrder(received(options), options.from.step);
}

async function* received(options: SubscribeOptions): AsyncGenerator<LogitsFrame, void> {
  const { address, agreement, producer, random = Math.random } = options;
  const client = new Client(address, credentials.createInsecure(), exchangeChannel(agreement));
  const backoff = createBackoff({ firstMs: 50, maxMs: 2_000, random });
  const patience = createPatience(options, () => client.getChannel().getConnectivityState(false));
  let step = options.from.step;
  patience.start(step);
  try {
    for (;;) {
      const call = streamFrom(client, { ...options, from: { ...options.from, step } });
      try {
        for await (const frame of framesOf(call, patience.over)) {
          patience.stop();
          backoff.reset();
          yield frame;
          step = frame.position.step + 1;
          patience.start(step);
        }
        throw new TrikdError('unavailable', `the ${producer} at ${address} ended its stream before step ${step}`);
      } catch (error) {
        if (patience.over.aborted) throw patience.over.reason;
        if (!isDisconnect(error)) throw fromStatus(error, `the ${producer} at ${address}`);
        patience.trouble(error.details);
      }
      await pause(backoff.next(), undefined, { signal: patience.over }).catch(() => {
        throw patience.over.reason;
      });
    }
  } finally {
    patience.end();
    client.close();
  }
}

function streamFrom(client: Client, subscription: Subscription): ClientReadableStream<LogitsFrame> {
  const { path, requestSerialize, responseDeserialize } = ExchangeDefinition.streamLogits;
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, fromSubscription(subscription));
}

/** What a call brings, until `over` aborts or the caller turns away: then the call is cancelled. */
async function* framesOf(
  call: ClientReadableStream<LogitsFrame>,
  over: AbortSignal,
): AsyncGenerator<LogitsFrame, void> {
  const cancel = () => call.cancel();
  over.addEventListener('abort', cancel, { once: true });
  // The iterator reports errors while it is asked; one that comes later, such as that of our own cancel, has no other listener.
  call.on('error', () => undefined);
  if (over.aborted) cancel();
  try {
    yield* call;
  } finally {
    over.removeEventListener('abort', cancel);
    cancel();
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
  trouble(details: string): void;
  end(): void;
}

function createPatience(options: SubscribeOptions, state: () => connectivityState): Patience {
  const { address, producer, signal, stepTimeoutSeconds, connectTimeoutSeconds = 10 } = options;
  const over = new AbortController();
  let step = options.from.step;
  let trouble = '';
  let timer: NodeJS.Timeout | undefined;
  let heard = false;

  const giveUp = (message: string) =>
    over.abort(
      new TrikdError('unavailable', trouble ? `${message}: ${trouble}` : message, { producer, address, step }),
    );
  const leave = () => over.abort(signal.reason);
  const connecting = setTimeout(() => {
    if (heard || state() === connectivityState.READY) return;
    giveUp(`nobody answers at ${address} for the ${producer}, tried for ${connectTimeoutSeconds} s`);
  }, connectTimeoutSeconds * 1000);
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave, { once: true });

  return {
    over: over.signal,
    start(waitedFor) {
      step = waitedFor;
      timer = setTimeout(
        () => giveUp(`waited ${stepTimeoutSeconds} s for step ${step} of the ${producer} at ${address}`),
        stepTimeoutSeconds * 1000,
      );
    },
    stop() {
      heard = true;
      trouble = '';
      clearTimeout(timer);
    },
    trouble(details) {
      trouble = details;
    },
    end() {
      clearTimeout(timer);
      clearTimeout(connecting);
      signal.removeEventListener('abort', leave);
    },
  };
}
