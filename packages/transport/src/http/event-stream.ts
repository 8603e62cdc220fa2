import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** Proxies close what is silent for a minute, and a browser learns of a dead connection only by what it does not hear. */
const HEARTBEAT_MS = 15_000;

/** One server-sent event. Without a name, it is a message; only what has a number can be resumed from. */
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
 * Sends events as they come, at the pace at which they are read. Says 200 with the first: what fails before is thrown and can be
 * answered otherwise.
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
    // Half a stream: the client asks for the rest.
    response.destroy();
  } finally {
    clearInterval(heartbeat);
  }
  response.end();
}
