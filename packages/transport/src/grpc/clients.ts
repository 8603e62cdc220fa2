import { setTimeout as pause } from 'node:timers/promises';
import {
  type CallOptions,
  type Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { createBackoff } from '@trikd/core/async/backoff';
import { TrikdError } from '@trikd/core/domain/errors';
import { fromStatus, isDisconnect } from '@trikd/protocol/status';
import { controlChannel } from './channel-options.js';
import { type ClientConstructor, createClient } from './create-client.js';

/** A client that steers a service. The caller closes it. */
export function openClient<C extends Client>(client: ClientConstructor<C>, address: string): C {
  return createClient(client, address, controlChannel());
}

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

export interface UnaryOptions {
  /** Whom the call goes to, for messages. */
  readonly what: string;
  /** Seconds, retries included. Default 10. */
  readonly deadlineSeconds?: number;
  readonly signal?: AbortSignal;
}

/**
 * One call with a deadline: `unary(client.assign.bind(client), request, { what: 'the teacher' })`.
 * @throws TrikdError of the kind that the other side threw, 'unavailable' when it cannot be reached in time; the reason of the signal.
 */
export function unary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  { what, deadlineSeconds = 10, signal }: UnaryOptions,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const deadline = Date.now() + deadlineSeconds * 1000;
    const call = method(request, new Metadata(), { deadline }, (error, response) => {
      signal?.removeEventListener('abort', cancel);
      if (signal?.aborted) reject(signal.reason);
      else if (error) reject(fromStatus(error, what));
      else resolve(response);
    });
    const cancel = () => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

export interface WatchOptions<Response> {
  /** Whom the stream comes from, for messages. */
  readonly what: string;
  /** Opens the stream from a number on. */
  readonly open: (from: number) => ClientReadableStream<Response>;
  /** The number of a message; the stream is resumed after the highest seen. */
  readonly numberOf: (response: Response) => number;
  /** First number wanted. Default 0. */
  readonly from?: number;
  /** Longest time without a connection. Default 30. */
  readonly patienceSeconds?: number;
  readonly signal: AbortSignal;
  /** Gets the reason when the connection is lost, and undefined when it is back. */
  readonly connection?: (lost: string | undefined) => void;
  /** Uniform on [0, 1): spreads reconnects. */
  readonly random?: () => number;
}

/**
 * A server stream as messages, resumed after a lost connection. Ends when the server ends it.
 * @throws TrikdError of the kind the server refused with, 'unavailable' when it stays away; the reason of the signal.
 */
export async function* watch<Response>(options: WatchOptions<Response>): AsyncGenerator<Response, void> {
  const { what, open, numberOf, patienceSeconds = 30, signal, connection, random = Math.random } = options;
  const backoff = createBackoff({ firstMs: 50, maxMs: 2_000, random });
  let from = options.from ?? 0;
  let lostAt: number | undefined;
  const connected = () => {
    if (lostAt !== undefined) connection?.(undefined);
    lostAt = undefined;
  };
  for (;;) {
    signal.throwIfAborted();
    const call = open(from);
    const cancel = () => call.cancel();
    // Nobody else listens to an error that comes after the loop was left.
    call.on('error', () => undefined);
    call.once('metadata', connected);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      for await (const response of call) {
        connected();
        backoff.reset();
        from = numberOf(response) + 1;
        yield response;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isDisconnect(error)) throw fromStatus(error, what);
      if (lostAt === undefined) connection?.(`${what} cannot be reached: ${error.details}`);
      lostAt ??= performance.now();
      const lost = (performance.now() - lostAt) / 1000;
      if (lost >= patienceSeconds) {
        throw new TrikdError('unavailable', `${what} cannot be reached for ${lost.toFixed(0)} s: ${error.details}`);
      }
    } finally {
      signal.removeEventListener('abort', cancel);
      cancel();
    }
    await pause(backoff.next(), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
