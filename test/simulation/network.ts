import { TrikdError } from '@trikd/core/errors';
import { createBell } from '@trikd/core/exchange/bell';
import type { Host, Life } from './host.js';
import type { World } from './world.js';

/** How bad the network is at present. All zero: calm. */
export interface Weather {
  /** Milliseconds that a message is on its way, on average. */
  latency: number;
  /** Share of messages that take a hundred times as long. */
  slow: number;
  /** Share of calls whose connection breaks while they are under way. */
  breaks: number;
  /** Milliseconds after which a stream's connection breaks, on average; 0: never. */
  streamLife: number;
  /** Share of frames that come twice. */
  doubles: number;
}

/** Calls and streams between processes, over connections that break. What arrives, arrives in order. */
export interface Network {
  /**
   * One call, as gRPC makes it: whether it was executed when it fails, and how often when it succeeds, nobody knows.
   * @throws TrikdError of the kind that the other side threw, 'unavailable' when it cannot be reached in time.
   */
  call<Service, Reply>(
    from: Life,
    to: Host<Service>,
    what: string,
    answer: (service: Service) => Promise<Reply>,
    options?: CallOptions,
  ): Promise<Reply>;
  stream<Service, Item>(
    from: Life,
    to: Host<Service>,
    what: string,
    open: (service: Service, signal: AbortSignal) => AsyncIterable<Item>,
    signal: AbortSignal,
    options?: StreamOptions,
  ): AsyncGenerator<Item, void>;
  /** Nothing passes from one to the other for so many milliseconds. */
  cut(from: string, to: string, ms: number): void;
  /** Everything passes again. */
  mend(): void;
  /** Breaks what connects the two now. */
  reset(a: string, b: string): void;
  /** A process is gone: its kernel closes its connections. */
  died(host: string): void;
  readonly counts: Record<'broken connections' | 'retried calls' | 'doubled frames' | 'messages', number>;
}

export interface CallOptions {
  /** Seconds, retries included. Default 10. */
  readonly seconds?: number;
  /** How often a call that found nobody is made again. Default 4. */
  readonly retries?: number;
}

export interface StreamOptions {
  /** Whether an item may come twice. */
  readonly doubles?: boolean;
  /** Told whether somebody is at the other end. */
  connected?(connected: boolean): void;
}

/** Milliseconds until a silent connection is given up: a ping is sent after the first, and must be answered within the second. */
const KEEPALIVE = [20_000, 40_000] as const;

interface Connection<Service> {
  /** Runs in the server, once it arrives there. */
  toServer(what: string, happen: (service: Service, life: Life) => void): void;
  /** Runs in the client, once it arrives there. */
  toClient(what: string, happen: () => void): void;
  /** Both ends hear of it, in their time; what is under way is lost. */
  breakDown(why: string): void;
  /** Nobody hears of anything any more. */
  close(): void;
  readonly ends: readonly [client: string, server: string];
}

export function createNetwork(world: World, weather: Weather): Network {
  const { chance } = world;
  const wires = new Set<Pick<Connection<never>, 'ends' | 'breakDown'>>();
  const cuts = new Map<string, number>();
  const counts = { 'broken connections': 0, 'retried calls': 0, 'doubled frames': 0, messages: 0 };
  const latency = () => chance.after(weather.latency) * (chance.happens(weather.slow) ? 100 : 1);
  /** Milliseconds until something passes. */
  const blocked = (from: string, to: string) => Math.max(0, (cuts.get(`${from} ${to}`) ?? 0) - world.now());

  function connect<Service>(
    client: Life,
    host: Host<Service>,
    lost: { readonly client: (why: string) => void; readonly server: () => void },
  ): Connection<Service> {
    let server: Life | undefined;
    let open = true;
    const last = { server: 0, client: 0 };
    const pass = (end: 'server' | 'client', what: string, arrive: () => void) => {
      if (!open) return;
      const [from, to] = end === 'server' ? [client.host, host.name] : [host.name, client.host];
      const hold = blocked(from, to);
      if (hold > KEEPALIVE[0]) return breakDown('keepalive timed out');
      const time = Math.max(last[end], world.now() + hold + latency());
      last[end] = time;
      counts.messages += 1;
      world.after(time - world.now(), what, () => {
        if (open) arrive();
      });
    };
    const shut = () => {
      open = false;
      wires.delete(wire);
    };
    const notice = (from: string, to: string) =>
      blocked(from, to) > 0 ? chance.between(...KEEPALIVE) : chance.after(weather.latency);
    const breakDown = (why: string) => {
      if (!open) return;
      shut();
      counts['broken connections'] += 1;
      client.after(notice(host.name, client.host), 'connection lost', () => lost.client(why));
      server?.after(notice(client.host, host.name), 'connection lost', lost.server);
    };
    const wire: Connection<Service> = {
      ends: [client.host, host.name],
      breakDown,
      toServer: (what, happen) =>
        pass('server', what, () => {
          const { life, service } = host;
          if (!service || (server && server !== life)) return breakDown('connection refused');
          server = life;
          life.reach(() => happen(service, life));
        }),
      toClient: (what, happen) => pass('client', what, () => client.reach(happen)),
      close: shut,
    };
    wires.add(wire);
    return wire;
  }

  function call<Service, Reply>(
    from: Life,
    to: Host<Service>,
    what: string,
    answer: (service: Service) => Promise<Reply>,
    { seconds = 10, retries = 4 }: CallOptions = {},
  ): Promise<Reply> {
    const name = `${what} of ${to.name}`;
    return new Promise((resolve, reject) => {
      let settled = false;
      const settle = (how: () => void) => {
        if (settled) return;
        settled = true;
        from.waiting.delete(name);
        how();
      };
      const fail = (why: string) => settle(() => reject(new TrikdError('unavailable', `the ${to.name}: ${why}`)));
      const attempt = (number: number) => {
        if (settled) return;
        const again = (why: string) => {
          if (number >= retries) return fail(why);
          counts['retried calls'] += 1;
          from.after(chance.between(100, 200) * 2 ** number, 'call again', () => attempt(number + 1));
        };
        const line = connect(from, to, { client: again, server: () => undefined });
        const end = (how: () => void) => {
          line.close();
          how();
        };
        if (chance.happens(weather.breaks)) {
          world.after(chance.after(3 * weather.latency), 'break', () => line.breakDown('connection reset'));
        }
        line.toServer(what, (service, life) => {
          life.note(() => `${what} of ${from.host}`);
          answer(service).then(
            (reply) => line.toClient(what, () => end(() => settle(() => resolve(reply)))),
            (error: unknown) => {
              const told = asTold(error, `the ${to.name}`);
              life.note(() => `refuses ${what} of ${from.host}: ${told.message}`);
              const gone = told instanceof TrikdError && told.kind === 'unavailable';
              line.toClient(what, () => end(() => (gone ? again(told.message) : settle(() => reject(told)))));
            },
          );
        });
      };
      from.waiting.add(name);
      from.after(seconds * 1000, 'deadline', () => fail(`${what}: deadline exceeded`));
      attempt(0);
    });
  }

  async function* stream<Service, Item>(
    from: Life,
    to: Host<Service>,
    what: string,
    open: (service: Service, signal: AbortSignal) => AsyncIterable<Item>,
    signal: AbortSignal,
    { doubles = false, connected }: StreamOptions = {},
  ): AsyncGenerator<Item, void> {
    const name = `${what} of ${to.name}`;
    const arrived: Item[] = [];
    const bell = createBell();
    const room = createBell();
    const left = new AbortController();
    const most = chance.pick([1, 2, 4, 64]);
    let underWay = 0;
    let end: { readonly error?: unknown } | undefined;
    let serving: Life | undefined;
    const finish = (how: { readonly error?: unknown }) => {
      end ??= how;
      bell.ring();
    };
    const line = connect(from, to, {
      client: (why) => {
        connected?.(false);
        // What lies in the socket may be read or not; of a stream that ended in order, it is.
        if (!end && chance.happens(0.5)) arrived.length = 0;
        finish({ error: new TrikdError('unavailable', why) });
      },
      server: () => {
        left.abort();
        room.ring();
      },
    });
    if (weather.streamLife > 0) {
      world.after(chance.after(weather.streamLife), 'break', () => line.breakDown('connection reset'));
    }
    const serve = async (service: Service) => {
      try {
        for await (const item of open(service, left.signal)) {
          if (left.signal.aborted) break;
          const times = doubles && chance.happens(weather.doubles) ? 2 : 1;
          counts['doubled frames'] += times - 1;
          for (let time = 0; time < times; time++) {
            underWay += 1;
            line.toClient(what, () => {
              arrived.push(item);
              bell.ring();
            });
          }
          while (underWay >= most && !left.signal.aborted) await room.heard();
        }
        line.toClient(what, () => finish({}));
      } catch (error) {
        if (!left.signal.aborted) line.toClient(what, () => finish({ error: asTold(error, `the ${to.name}`) }));
      }
    };
    line.toServer(what, (service, life) => {
      serving = life;
      connected?.(true);
      life.note(() => `${what} to ${from.host}`);
      void serve(service);
    });
    const leave = () => finish({ error: signal.reason });
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    from.waiting.add(name);
    try {
      for (;;) {
        const item = arrived.shift();
        if (item !== undefined && !signal.aborted) {
          underWay -= 1;
          if (underWay === most - 1) serving?.after(latency(), 'room', room.ring);
          from.waiting.delete(name);
          yield item;
          from.waiting.add(name);
        } else if (end) {
          if ('error' in end) throw end.error;
          return;
        } else await bell.heard();
      }
    } finally {
      from.waiting.delete(name);
      connected?.(false);
      signal.removeEventListener('abort', leave);
      line.toServer('left', () => {
        left.abort();
        room.ring();
        line.close();
      });
    }
  }

  return {
    call,
    stream,
    cut(from, to, ms) {
      cuts.set(`${from} ${to}`, Math.max(cuts.get(`${from} ${to}`) ?? 0, world.now() + ms));
    },
    mend: () => cuts.clear(),
    reset(a, b) {
      for (const wire of [...wires]) {
        if (wire.ends.includes(a) && wire.ends.includes(b)) wire.breakDown('connection reset');
      }
    },
    died(host) {
      for (const wire of [...wires]) if (wire.ends.includes(host)) wire.breakDown('connection closed');
    },
    counts,
  };
}

/** What a caller gets of an error: its kind and sentence, or nothing but that there was one. */
function asTold(error: unknown, who: string): Error {
  if (error instanceof TrikdError) return new TrikdError(error.kind, `${who}: ${error.message}`);
  return new Error(`${who}: internal error`, { cause: error });
}
