import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * What an authenticating proxy such as oauth2-proxy does: finds the token of a session, whose cookie is its name here, and passes the request
 * on with it. A header that the client sends is dropped.
 */
export async function loginProxy(upstream: string, sessions: ReadonlyMap<string, string>): Promise<string> {
  const server = createServer((request, response) => {
    const { authorization: _, cookie = '', ...headers } = request.headers;
    const token = sessions.get(/session=(\w+)/.exec(cookie)?.[1] ?? '');
    const forwarded = { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const onwards = send(new URL(request.url ?? '/', upstream), { method: request.method, headers: forwarded });
    onwards.on('error', () => response.destroy());
    onwards.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    response.on('close', () => onwards.destroy());
    request.pipe(onwards);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  const address = server.address();
  return `http://127.0.0.1:${(address as AddressInfo).port}`;
}
