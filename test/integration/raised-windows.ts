import { once } from 'node:events';
import type { Http2Server } from 'node:http2';
import { Client, credentials, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';

/** One end of a link: whole messages, both ways. */
export interface LinkEnd {
  send(message: Buffer): void;
  /** The next message of the other end. */
  next(): Promise<Buffer>;
}

/** One connection with a bidirectional stream on it. */
export interface Link {
  readonly ends: readonly [LinkEnd, LinkEnd];
  close(): void;
}

interface Duplex {
  write(message: Buffer): boolean;
  on(event: 'data', listener: (message: Buffer) => void): unknown;
  on(event: 'error', listener: () => void): unknown;
}

const WINDOW = 16 * 2 ** 20;
const raw = (bytes: Buffer): Buffer => bytes;
const CARRY = {
  path: '/test.Link/Carry',
  requestStream: true,
  responseStream: true,
  requestSerialize: raw,
  requestDeserialize: raw,
  responseSerialize: raw,
  responseDeserialize: raw,
} as const;

/**
 * What the exchange never does: both directions on one connection, and, if `raised`, the windows raised on both of its ends. The server
 * has no option for that, which is why its inside is reached into.
 * @param listen unix:path
 */
export async function openLink(listen: string, raised: boolean): Promise<Link> {
  const server = new Server();
  const accepted = Promise.withResolvers<ServerDuplexStream<Buffer, Buffer>>();
  server.addService({ carry: CARRY }, { carry: accepted.resolve });
  if (raised) Object.assign(Reflect.get(server, 'commonServerOptions'), { settings: { initialWindowSize: WINDOW } });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(listen, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
  const servers: ReadonlyMap<Http2Server, unknown> = Reflect.get(server, 'http2Servers');
  if (raised) for (const each of servers.keys()) each.on('session', (session) => session.setLocalWindowSize(WINDOW));
  const client = new Client(listen, credentials.createInsecure(), {
    ...(raised && { 'grpc-node.flow_control_window': WINDOW }),
  });
  const near = client.makeBidiStreamRequest(CARRY.path, raw, raw);
  const ends = [endOf(near), endOf(await accepted.promise)] as const;
  // So that a test times messages, not the opening of a stream.
  for (const [one, other] of [ends, [...ends].reverse()]) {
    one!.send(Buffer.from('hello'));
    await other!.next();
  }
  return {
    ends,
    close() {
      client.close();
      server.forceShutdown();
    },
  };
}

function endOf(stream: Duplex): LinkEnd {
  const arrived: Buffer[] = [];
  const news = new EventTarget();
  stream.on('data', (message) => {
    arrived.push(message);
    news.dispatchEvent(new Event('message'));
  });
  stream.on('error', () => undefined);
  return {
    send: (message) => void stream.write(message),
    async next() {
      for (;;) {
        const message = arrived.shift();
        if (message) return message;
        await once(news, 'message');
      }
    },
  };
}
