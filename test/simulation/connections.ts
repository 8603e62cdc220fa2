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

/** Milliseconds until a silent connection is given up: a ping is sent after the first, and must be answered within the second. */
const KEEPALIVE = [20_000, 40_000] as const;

/** Between one client and one process, until either breaks it, or it breaks. */
export interface Connection<Service> {
  /** Runs in the server, once it arrives there. */
  toServer(what: string, happen: (service: Service, life: Life) => void): void;
  /** Runs in the client, once it arrives there. */
  toClient(what: string, happen: () => void): void;
  /** Both ends notice it, in their time; messages under way are lost. */
  breakDown(why: string): void;
  /** Nothing arrives at either end any more. */
  close(): void;
  readonly ends: readonly [client: string, server: string];
}

/** Connections between processes. Each delivers in order. */
export interface Connections {
  /** Opened by the client; the server accepts it with the first message that comes. */
  open<Service>(
    client: Life,
    host: Host<Service>,
    lost: { readonly client: (why: string) => void; readonly server: () => void },
  ): Connection<Service>;
  /** Milliseconds that a message is on its way. */
  latency(): number;
  /** Nothing passes from one to the other for so many milliseconds. */
  cut(from: string, to: string, ms: number): void;
  /** Everything passes again. */
  mend(): void;
  /** Breaks what connects the two now. */
  reset(a: string, b: string): void;
  /** A process is gone: its kernel closes its connections. */
  died(host: string): void;
  readonly counts: Record<'broken connections' | 'messages', number>;
}

export function createConnections(world: World, weather: Weather): Connections {
  const { chance } = world;
  const wires = new Set<Pick<Connection<never>, 'ends' | 'breakDown'>>();
  const cuts = new Map<string, number>();
  const counts = { 'broken connections': 0, messages: 0 };
  const latency = () => chance.after(weather.latency) * (chance.happens(weather.slow) ? 100 : 1);
  /** Milliseconds until something passes. */
  const blocked = (from: string, to: string) => Math.max(0, (cuts.get(`${from} ${to}`) ?? 0) - world.now());

  function open<Service>(
    client: Life,
    host: Host<Service>,
    lost: { readonly client: (why: string) => void; readonly server: () => void },
  ): Connection<Service> {
    let server: Life | undefined;
    let alive = true;
    const last = { server: 0, client: 0 };
    const pass = (end: 'server' | 'client', what: string, arrive: () => void) => {
      if (!alive) return;
      const [from, to] = end === 'server' ? [client.host, host.name] : [host.name, client.host];
      const hold = blocked(from, to);
      if (hold > KEEPALIVE[0]) return breakDown('keepalive timed out');
      const time = Math.max(last[end], world.now() + hold + latency());
      last[end] = time;
      counts.messages += 1;
      world.after(time - world.now(), what, () => {
        if (alive) arrive();
      });
    };
    const shut = () => {
      alive = false;
      wires.delete(wire);
    };
    const notice = (from: string, to: string) =>
      blocked(from, to) > 0 ? chance.between(...KEEPALIVE) : chance.after(weather.latency);
    const breakDown = (why: string) => {
      if (!alive) return;
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

  return {
    open,
    latency,
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
