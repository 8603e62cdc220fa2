import type { ServerDuplexStream } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import { toStatus } from '@trikd/protocol/status';
import { callSignal } from './call-signal.js';

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
