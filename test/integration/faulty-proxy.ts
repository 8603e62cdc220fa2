import { once } from 'node:events';
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

/** What becomes of a request. */
export type Fate =
  /** It is answered as the server behind answers. */
  | 'pass'
  /** The connection breaks before the server behind hears of it. */
  | 'lose-request'
  /** The server behind does what it is asked to, and the connection breaks before its answer gets through. */
  | 'lose-reply'
  /** Nothing ever happens. */
  | 'stall'
  /** It is refused with this status and code of S3. */
  | { readonly status: number; readonly code: string };

/** A proxy in front of an HTTP server, that treats each request as the test decides. */
export interface FaultyProxy {
  readonly endpoint: string;
  /** The methods of the requests so far. */
  readonly methods: readonly string[];
  /** Decides from now on. Default: all pass. */
  decide(fate: (method: string) => Fate): void;
  /** Resolves when the server behind works at nothing that has passed. */
  quiet(): Promise<void>;
  close(): void;
}

export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const methods: string[] = [];
  let fateOf: (method: string) => Fate = () => 'pass';
  const underWay = new Set<ClientRequest>();
  const server = createServer((message, reply) => {
    const method = message.method ?? '';
    methods.push(method);
    const sent = meet(fateOf(method), target, message, reply);
    if (!sent) return;
    underWay.add(sent);
    sent.once('close', () => underWay.delete(sent));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('a proxy has no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    methods,
    decide: (fate) => {
      fateOf = fate;
    },
    async quiet() {
      await Promise.all(Array.from(underWay, (sent) => new Promise((resolve) => sent.once('close', resolve))));
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Returns what went on to the server behind. */
function meet(fate: Fate, target: string, message: IncomingMessage, reply: ServerResponse): ClientRequest | undefined {
  if (fate === 'stall') return undefined;
  if (fate === 'lose-request') {
    reply.socket?.destroy();
    return undefined;
  }
  if (typeof fate === 'object') {
    message.resume();
    message.on('end', () => reply.writeHead(fate.status).end(`<Error><Code>${fate.code}</Code></Error>`));
    return undefined;
  }
  // The host that was signed is the proxy's own, and goes on with all the other headers.
  const sent = request(`${target}${message.url}`, { method: message.method, headers: message.headers }, (answer) => {
    if (fate === 'lose-reply') {
      answer.resume();
      answer.on('end', () => reply.socket?.destroy());
      return;
    }
    reply.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(reply);
  });
  sent.on('error', () => reply.socket?.destroy());
  message.pipe(sent);
  return sent;
}
