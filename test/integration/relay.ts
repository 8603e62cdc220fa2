import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A relay before a service, which does to its connections what a network does. */
export interface Relay {
  /** Whom to dial instead of the service: host:port. */
  readonly address: string;
  /** Connections taken so far. */
  readonly connections: number;
  /** Nothing passes either way, without a sign: connections stay open, new ones are accepted. */
  freeze(): void;
  /** Everything passes again; what was held comes first. */
  thaw(): void;
  /** The connections of now stay silent for ever, as when the machine at the other end lost its power. New ones pass. */
  strand(): void;
  /** Resets the connections of now. */
  cut(): void;
  close(): void;
}

export interface RelayOptions {
  /** Asked at each connection: after how many bytes of the service it breaks, in the middle of whatever they are. */
  readonly breaksAfter?: () => number;
  /** Milliseconds that every byte takes longer, each way. */
  readonly delay?: number;
}

/** One connection: the client's socket and that to the service. */
interface Pair {
  readonly ends: readonly [Socket, Socket];
  state: 'passes' | 'frozen' | 'stranded';
  /** What passes when it thaws. */
  held: (() => void)[];
}

/** @param target of the service, host:port or unix:path */
export async function openRelay(target: string, { breaksAfter, delay = 0 }: RelayOptions = {}): Promise<Relay> {
  const pairs: Pair[] = [];
  let state: 'passes' | 'frozen' = 'passes';

  function forward(pair: Pair, from: Socket, to: Socket, limit: number): void {
    let left = limit;
    const orHold = (work: () => void) => {
      if (pair.state === 'passes') return work();
      from.pause();
      pair.held.push(work);
    };
    const pass = (bytes: Buffer) => {
      const allowed = bytes.subarray(0, left);
      left -= allowed.length;
      if (left === 0) to.end(allowed, () => from.destroy());
      else if (!to.write(allowed)) from.pause();
    };
    const arrived = (bytes: Buffer) => orHold(() => pass(bytes));
    from.on('data', (bytes: Buffer) => (delay > 0 ? setTimeout(arrived, delay, bytes) : arrived(bytes)));
    to.on('drain', () => orHold(() => from.resume()));
    // A socket that failed closes, and then its other end does.
    from.on('error', () => undefined);
    from.on('end', () => orHold(() => to.end()));
    from.on('close', () => orHold(() => to.destroy()));
  }

  const server = createServer({ noDelay: true }, (client) => {
    const service = dial(target);
    const pair: Pair = { ends: [client, service], state, held: [] };
    pairs.push(pair);
    forward(pair, client, service, Number.POSITIVE_INFINITY);
    forward(pair, service, client, breaksAfter?.() ?? Number.POSITIVE_INFINITY);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port was bound');

  return {
    address: `127.0.0.1:${bound.port}`,
    get connections() {
      return pairs.length;
    },
    freeze() {
      state = 'frozen';
      for (const pair of pairs) if (pair.state === 'passes') pair.state = 'frozen';
    },
    thaw() {
      state = 'passes';
      for (const pair of pairs.filter((each) => each.state === 'frozen')) {
        pair.state = 'passes';
        for (const work of pair.held.splice(0)) work();
        for (const end of pair.ends) end.resume();
      }
    },
    strand() {
      for (const pair of pairs) pair.state = 'stranded';
    },
    cut() {
      for (const { ends } of pairs) for (const end of ends) end.resetAndDestroy();
    },
    close() {
      server.close();
      for (const { ends } of pairs) for (const end of ends) end.destroy();
    },
  };
}

function dial(target: string): Socket {
  if (target.startsWith('unix:')) return connect({ path: target.slice('unix:'.length) });
  const colon = target.lastIndexOf(':');
  return connect({ host: target.slice(0, colon), port: Number(target.slice(colon + 1)), noDelay: true });
}
