import type { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import { orAborted } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import { toStatus } from '@trikd/protocol/status';

/**
 * Writes what `open` yields to a call, each item when the connection has taken the previous one, so that a client that
 * does not read costs the memory of one item. The signal of `open` aborts when the client leaves or the process shuts
 * down. Resolves when everything is written or the client has left; the caller ends the call.
 * @throws TrikdError 'unavailable' at shutdown; the errors of `open`
 */
export async function serveStream<Item, Response>(
  call: ServerWritableStream<unknown, Response>,
  shutdown: AbortSignal,
  open: (signal: AbortSignal) => AsyncIterable<Item>,
  encode: (item: Item) => Response,
): Promise<void> {
  const over = new AbortController();
  const stop = () => over.abort();
  call.once('cancelled', stop);
  shutdown.addEventListener('abort', stop, { once: true });
  if (shutdown.aborted || call.cancelled) stop();
  // A reset that came together with the request is known one turn of the event loop later: such a call costs nothing more.
  await nextTurn();
  try {
    const items = over.signal.aborted ? [] : open(over.signal);
    for await (const item of items) {
      if (over.signal.aborted) break;
      await orAborted(written(call, encode(item)), over.signal);
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    call.off('cancelled', stop);
    shutdown.removeEventListener('abort', stop);
  }
  if (shutdown.aborted && !call.cancelled) throw new TrikdError('unavailable', 'shutting down');
}

/**
 * Resolves when the connection has taken the message. The return value of `write` is no measure: the stream of the call
 * buffers 16 messages of any size before it reports backpressure.
 */
function written<Response>(call: ServerWritableStream<unknown, Response>, message: Response): Promise<void> {
  return new Promise((resolve) => call.write(message, () => resolve()));
}

export interface DuplexOptions<Request, Response> {
  /** Never rejects: a request that fails has an answer too. @param signal aborts when the client leaves */
  readonly answer: (request: Request, signal: AbortSignal) => Promise<Response>;
  /** Requests that are read before the first of them is answered, at most. */
  readonly window: number;
  /** Ends the call when the answers to what was read are written. */
  readonly shutdown: AbortSignal;
}

/**
 * Answers the requests of a call in their order, each as soon as those before it. Reads no more than `window` requests ahead of what the
 * connection has taken, so that a client that does not read costs no more memory than that. Never rejects, and ends the call.
 */
export async function serveDuplex<Request, Response>(
  call: ServerDuplexStream<Request, Response>,
  { answer, window, shutdown }: DuplexOptions<Request, Response>,
): Promise<void> {
  const gone = callSignal(call);
  const pending: Promise<void>[] = [];
  let written: Promise<void> = Promise.resolve();
  try {
    // The iterator would destroy the call at its end, and with it the answers.
    for await (const request of call.iterator({ destroyOnReturn: false })) {
      if (shutdown.aborted || gone.aborted) break;
      const answered = answer(request as Request, gone);
      const before = written;
      written = Promise.all([answered, before]).then(([response]) => write(call, response, gone));
      pending.push(written);
      if (pending.length >= window) await pending.shift();
    }
    await written;
    if (shutdown.aborted) throw new TrikdError('unavailable', 'shutting down');
    call.end();
  } catch (error) {
    if (!gone.aborted) call.emit('error', toStatus(error));
  }
}

/** Resolves when the connection has taken the message, or the client has left. */
function write<Response>(call: ServerDuplexStream<unknown, Response>, message: Response, gone: AbortSignal) {
  return new Promise<void>((resolve) => {
    const done = () => {
      gone.removeEventListener('abort', done);
      resolve();
    };
    if (gone.aborted) return resolve();
    gone.addEventListener('abort', done, { once: true });
    call.write(message, done);
  });
}

/** Of a call whose client has left, or whose deadline has passed. */
const LEFT = new TrikdError('unavailable', 'the caller has left');

/** Aborts when the client of a call leaves, and when its deadline passes. */
export function callSignal(call: EventEmitter & { readonly cancelled: boolean }): AbortSignal {
  const gone = new AbortController();
  if (call.cancelled) gone.abort(LEFT);
  else call.once('cancelled', () => gone.abort(LEFT));
  return gone.signal;
}
