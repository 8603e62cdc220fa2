import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/**
 * Sends values as JSON, one in each line, for the browser to save, at the pace at which the client reads. Status 200 is sent with the
 * first value: an earlier error is thrown, so that the caller can answer with another status.
 * @param file name that the browser suggests
 */
export async function sendLines(
  response: ServerResponse,
  values: AsyncIterable<unknown>,
  file: string,
  gone: AbortSignal,
): Promise<void> {
  const begin = () => {
    const disposition = `attachment; filename="${file}"`;
    const headers = { 'content-type': 'application/jsonl', 'content-disposition': disposition };
    response.writeHead(200, { ...headers, 'cache-control': 'no-store' });
  };
  try {
    for await (const value of values) {
      if (!response.headersSent) begin();
      if (!response.write(`${JSON.stringify(value)}\n`)) await once(response, 'drain', { signal: gone });
    }
  } catch (error) {
    if (!response.headersSent) throw error;
    // The client notices that the file is incomplete.
    return void response.destroy();
  }
  if (!response.headersSent) begin();
  response.end();
}
