import type { ServerWritableStream } from '@grpc/grpc-js';
import { orAborted } from '@trikd/core/async/or-aborted';
import { TrikdError } from '@trikd/core/domain/errors';

/**
 * Writes what `open` yields to the call, each when the one before is on its way: a client that does not read costs the memory of one
 * item. The signal of `open` aborts when the client leaves or the process shuts down. Resolves when all is written, or when the client
 * has left; ending the call, or failing it with a status, is the caller's part.
 * @throws TrikdError 'unavailable' at a shutdown, and whatever `open` throws.
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
  try {
    for await (const item of open(over.signal)) {
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
 * Resolves when the connection has taken the message. The stream of the call is no measure: it holds 16 messages, of any size, before
 * it asks to wait.
 */
function written<Response>(call: ServerWritableStream<unknown, Response>, message: Response): Promise<void> {
  return new Promise((resolve) => call.write(message, () => resolve()));
}
