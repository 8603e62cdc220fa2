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
import { fromStatus, isDisconnect, isServiceError, retryAfterMs } from '@trikd/protocol/status';
import { type ClientConstructor, controlChannel, createClient, type Peer } from './channel.js';

/** A client for control calls. The caller closes it. @param peer as for {@link createClient} */
export function openClient<C extends Client>(client: ClientConstructor<C>, address: string, peer?: Peer): C {
  return createClient(client, address, controlChannel(), peer);
}

/** A method of a generated client that has one response. */
export type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

export interface UnaryOptions {
  /** Names the server in messages. */
  readonly what: string;
  /** Seconds, including retries. Default 10. */
  readonly deadlineSeconds?: number;
  readonly signal?: AbortSignal;
}

/**
 * Makes one call with a deadline: `unary(client.assign.bind(client), request, { what: 'the teacher' })`. A server that refuses it for
 * a limit and says when to retry is asked again.
 * @throws TrikdError of the kind that the server threw, 'unavailable' if it cannot be reached in time; the reason of the
 * signal
 */
export async function unary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  { what, deadlineSeconds = 10, signal }: UnaryOptions,
): Promise<Response> {
  const deadline = Date.now() + deadlineSeconds * 1000;
  for (;;) {
    try {
      return await callOnce(method, request, { what, deadline, ...(signal && { signal }) });
    } catch (error) {
      const wait = retryAfterMs(error);
      if (wait === undefined || Date.now() + 2 * wait >= deadline) throw error;
      await pause(wait + wait * Math.random(), undefined, { ...(signal && { signal }) });
    }
  }
}

interface OneCall {
  readonly what: string;
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

function callOnce<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  { what, deadline, signal }: OneCall,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
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
  /** Names the server in messages. */
  readonly what: string;
  /** Opens the stream from a number on. */
  readonly open: (from: number) => ClientReadableStream<Response>;
  /** The number of a message. The stream is resumed after the last one received. */
  readonly numberOf: (response: Response) => number;
  /** The first number to request. Default 0. */
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
 * The messages of a server stream, which is resumed when the connection is lost. Ends when the server ends the stream.
 * @throws TrikdError of the kind that the server threw, 'unavailable' if it cannot be reached for too long; the reason of
 * the signal
 */
export async function* watch<Response>(options: WatchOptions<Response>): AsyncGenerator<Response, void> {
  const { what, open, numberOf, patienceSeconds = 30, signal, connection, random = Math.random } = options;
  const backoff = createBackoff({ firstMs: 50, maxMs: 2_000, random });
  let from = options.from ?? 0;
  let lostAt: number | undefined;
  /** For a server that refuses the stream for a limit. */
  let wait = 0;
  const connected = () => {
    if (lostAt !== undefined) connection?.(undefined);
    lostAt = undefined;
  };
  for (;;) {
    signal.throwIfAborted();
    const call = open(from);
    const cancel = () => call.cancel();
    // An error after the loop has ended would otherwise be unhandled.
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
      wait = retryAfterMs(error) ?? 0;
      if (!isServiceError(error) || (wait === 0 && !isDisconnect(error))) throw fromStatus(error, what);
      if (lostAt === undefined) connection?.(`${what} cannot be reached: ${error.details}`);
      lostAt ??= performance.now();
      const lost = (performance.now() - lostAt) / 1000;
      if (lost >= patienceSeconds) {
        throw new TrikdError('unavailable', `${what} has been unreachable for ${lost.toFixed(0)} s: ${error.details}`);
      }
    } finally {
      signal.removeEventListener('abort', cancel);
      cancel();
    }
    await pause(Math.max(wait, backoff.next()), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
