import { once } from 'node:events';
import { createServer } from 'node:net';
import { listenError } from '@trikd/process/address';

/**
 * Checks that a service can listen on an address, before anything is made for it. Another process may still take it afterwards.
 * @param address host:port
 * @throws TrikdError 'unavailable' that says why not, and what to do
 */
export async function assertFree(address: string): Promise<void> {
  const [, host = '', port] = /^(.*):(\d+)$/.exec(address) ?? [];
  if (port === undefined || address.startsWith('unix:')) return;
  const server = createServer();
  server.listen({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw listenError(address, cause);
  }
  await new Promise((resolve) => server.close(resolve));
}
