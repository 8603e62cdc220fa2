import { createBell } from '@trikd/core/async/bell';
import { TrikdError } from '@trikd/core/domain/errors';
import { type Connections, createConnections, type Weather } from './connections.js';
import type { Host, Life } from './host.js';
import type { World } from './world.js';

/** Calls and streams between processes, over connections that break. */
export interface Network extends Pick<Connections, 'cut' | 'mend' | 'reset' | 'died'> {
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

export function createNetwork(world: World, weather: Weather): Network {
  const { chance } = world;
  const connections = createConnections(world, weather);
  const counts = { 'retried calls': 0, 'doubled frames': 0 };

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
        const line = connections.open(from, to, { client: again, server: () => undefined });
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
    const line = connections.open(from, to, {
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
          if (underWay === most - 1) serving?.after(connections.latency(), 'room', room.ring);
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

  const { cut, mend, reset, died } = connections;
  return {
    call,
    stream,
    cut,
    mend,
    reset,
    died,
    get counts() {
      return { ...connections.counts, ...counts };
    },
  };
}

/** What a caller gets of an error: its kind and sentence, or nothing but that there was one. */
function asTold(error: unknown, who: string): Error {
  if (error instanceof TrikdError) return new TrikdError(error.kind, `${who}: ${error.message}`);
  return new Error(`${who}: internal error`, { cause: error });
}
