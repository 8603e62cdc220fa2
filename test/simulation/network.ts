import { createBell } from '@trikd/core/async/bell';
import { TrikdError } from '@trikd/core/domain/errors';
import { type Connections, createConnections, type Weather } from './connections.js';
import type { Host, Life } from './host.js';
import type { World } from './world.js';

/** Calls and streams between processes, over connections that break. */
export interface Network extends Pick<Connections, 'cut' | 'mend' | 'reset' | 'died'> {
  /**
   * One call, as gRPC makes it: a failed one may have been executed, and a successful one more than once.
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
  /** A stream of requests, each of which is answered in its turn. */
  duplex<Service, Request, Reply>(
    from: Life,
    to: Host<Service>,
    what: string,
    serve: (service: Service) => Answers<Request, Reply>,
  ): Asked<Request, Reply>;
  readonly counts: Record<'broken connections' | 'retried calls' | 'doubled frames' | 'messages', number>;
}

/** The server of a duplex stream. */
export interface Answers<Request, Reply> {
  /** The stream ends with a request that fails. */
  answer(request: Request): Promise<Reply>;
  /** The client has left, or the stream has ended. */
  close(): Promise<void>;
}

/** The client of a duplex stream. */
export interface Asked<Request, Reply> {
  /** @throws TrikdError of the kind that the server threw, 'unavailable' when the connection is lost */
  ask(request: Request): Promise<Reply>;
  close(): void;
}

export interface CallOptions {
  /** Seconds, retries included. Default 10. */
  readonly seconds?: number;
  /** Retries of a call that did not reach its service. Default 4. */
  readonly retries?: number;
}

export interface StreamOptions {
  /** Whether an item may come twice. */
  readonly doubles?: boolean;
  /** Is called with whether the connection stands. */
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
              const refusal = asReceived(error, `the ${to.name}`);
              life.note(() => `refuses ${what} of ${from.host}: ${refusal.message}`);
              const gone = refusal instanceof TrikdError && refusal.kind === 'unavailable';
              line.toClient(what, () => end(() => (gone ? again(refusal.message) : settle(() => reject(refusal)))));
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
        // Messages in the socket may be lost, unless the stream ended in order.
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
        if (!left.signal.aborted) line.toClient(what, () => finish({ error: asReceived(error, `the ${to.name}`) }));
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

  function duplex<Service, Request, Reply>(
    from: Life,
    to: Host<Service>,
    what: string,
    serve: (service: Service) => Answers<Request, Reply>,
  ): Asked<Request, Reply> {
    const name = `${what} of ${to.name}`;
    const waiting: PromiseWithResolvers<Reply>[] = [];
    let failure: Error | undefined;
    let server: Answers<Request, Reply> | undefined;
    let turn: Promise<void> = Promise.resolve();
    const fail = (error: Error) => {
      failure ??= error;
      for (const each of waiting.splice(0)) each.reject(failure);
      from.waiting.delete(name);
    };
    const leave = () => void server?.close();
    const line = connections.open(from, to, {
      client: (why) => fail(new TrikdError('unavailable', `the ${to.name}: ${why}`)),
      server: leave,
    });
    if (weather.streamLife > 0) {
      world.after(chance.after(weather.streamLife), 'break', () => line.breakDown('connection reset'));
    }
    async function answered(request: Request): Promise<void> {
      const reply = await server!.answer(request);
      line.toClient(what, () => {
        waiting.shift()?.resolve(reply);
        if (waiting.length === 0) from.waiting.delete(name);
      });
    }
    return {
      ask(request) {
        if (failure) return Promise.reject(failure);
        const answer = Promise.withResolvers<Reply>();
        waiting.push(answer);
        from.waiting.add(name);
        line.toServer(what, (service) => {
          server ??= serve(service);
          turn = turn.then(() => answered(request));
          turn.catch((error: unknown) => {
            line.toClient(what, () => fail(asReceived(error, `the ${to.name}`)));
            leave();
          });
        });
        return answer.promise;
      },
      close() {
        fail(new TrikdError('wrong-state', `the stream to the ${to.name} is closed`));
        line.toServer('left', () => {
          leave();
          line.close();
        });
      },
    };
  }

  const { cut, mend, reset, died } = connections;
  return {
    call,
    stream,
    duplex,
    cut,
    mend,
    reset,
    died,
    get counts() {
      return { ...connections.counts, ...counts };
    },
  };
}

/** An error as the caller gets it: kind and sentence of a TrikdError, nothing of another. */
function asReceived(error: unknown, who: string): Error {
  if (error instanceof TrikdError) return new TrikdError(error.kind, `${who}: ${error.message}`);
  return new Error(`${who}: internal error`, { cause: error });
}
