import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** Proxies close connections that are silent for a minute, and browsers detect dead ones by missing heartbeats. */
const HEARTBEAT_MS = 15_000;

/** A server-sent event. Without a name it is a `message`. Streams can be resumed after events with a number. */
export interface SentEvent {
  readonly name?: string;
  readonly number?: number;
  readonly data: unknown;
}

export function eventText({ name, number, data }: SentEvent): string {
  const lines = [
    ...(name === undefined ? [] : [`event: ${name}`]),
    ...(number === undefined || number === 0 ? [] : [`id: ${number}`]),
    `data: ${JSON.stringify(data)}`,
  ];
  return `${lines.join('\n')}\n\n`;
}

/**
 * Sends events at the pace at which the client reads. Status 200 is sent with the first event: an earlier error is thrown,
 * so that the caller can answer with another status.
 */
export async function sendEvents(
  response: ServerResponse,
  events: AsyncIterable<SentEvent>,
  gone: AbortSignal,
): Promise<void> {
  const heartbeat = setInterval(() => {
    if (response.headersSent) response.write(eventText({ name: 'beat', data: {} }));
  }, HEARTBEAT_MS);
  try {
    for await (const event of events) {
      if (!response.headersSent) {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
        response.write('retry: 1000\n\n');
      }
      if (!response.write(eventText(event))) await once(response, 'drain', { signal: gone });
    }
  } catch (error) {
    if (!response.headersSent) throw error;
    // A broken connection makes the client resume the stream.
    response.destroy();
  } finally {
    clearInterval(heartbeat);
  }
  response.end();
}
