import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Metadata } from '@grpc/grpc-js';
import type { ReadBlobResponse, RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { ByteRange } from './byte-range.js';

/** A file of tensors that a client wants. */
export interface WantedBlob {
  readonly runId: string;
  /** In the store. */
  readonly key: string;
  /** Absent: the whole file. */
  readonly range?: ByteRange;
  readonly metadata: Metadata;
}

/** For a client to read what it was sent, before it is given up. */
const STALL_SECONDS = 60;

/** The tag of the file at a key, with its quotes: a blob never changes. */
export function tagOf(key: string): string {
  return JSON.stringify(key.split('/').at(-1)?.replace('.safetensors', ''));
}

/**
 * Sends a file of tensors, or a part of it, at the pace at which the client reads: it costs the memory of a few pieces, however large it is.
 * The browser saves it under the name that the link says. A status of success is sent once the file is found: an earlier error is thrown,
 * so that the caller can answer with another status. A later one breaks the connection, so that the client has no complete file.
 */
export async function sendBlob(
  response: ServerResponse,
  client: RunServiceClient,
  { runId, key, range, metadata }: WantedBlob,
): Promise<void> {
  const gone = new AbortController();
  const call = client.readBlob({ runId, key, ...(range ?? { offset: 0, length: 0 }) }, metadata);
  response.once('close', () => {
    gone.abort();
    call.cancel();
  });
  try {
    for await (const { size, data } of call as AsyncIterable<ReadBlobResponse>) {
      if (!response.headersSent) {
        begin(response, key, size, range);
        response.flushHeaders();
      } else if (!response.write(data)) await drained(response, gone.signal);
    }
    response.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    if (!response.headersSent) throw error;
    response.destroy();
  }
}

function begin(response: ServerResponse, key: string, size: number, range: ByteRange | undefined): void {
  const headers = {
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment',
    'accept-ranges': 'bytes',
    'cache-control': 'no-store',
    etag: tagOf(key),
  };
  if (!range) return void response.writeHead(200, { ...headers, 'content-length': size });
  if (range.offset >= size) return void response.writeHead(416, { ...headers, 'content-range': `bytes */${size}` });
  const end = range.length === 0 ? size : Math.min(size, range.offset + range.length);
  response.writeHead(206, {
    ...headers,
    'content-length': end - range.offset,
    'content-range': `bytes ${range.offset}-${end - 1}/${size}`,
  });
}

async function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  await once(response, 'drain', { signal: AbortSignal.any([gone, AbortSignal.timeout(1000 * STALL_SECONDS)]) });
}
