import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { orAborted } from '@trikd/core/async/or-aborted';
import { TrikdError } from '@trikd/core/domain/errors';

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
