import { once } from 'node:events';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/errors';

/**
 * Writes what `open` yields to the call, as fast as the client reads and no faster. The signal of `open` aborts when the client
 * leaves or the process shuts down. Resolves when all is written, or when the client has left; ending the call, or failing it with
 * a status, is the caller's part.
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
      if (!call.write(encode(item))) await once(call, 'drain', { signal: over.signal });
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    call.off('cancelled', stop);
    shutdown.removeEventListener('abort', stop);
  }
  if (shutdown.aborted && !call.cancelled) throw new TrikdError('unavailable', 'shutting down');
}
