import type { FakeCluster } from '../../services/orchestrator/src/placement/jobset/testing/fake-cluster.js';
import type { Weather } from './connections.js';
import type { Host, Life } from './host.js';
import type { Network } from './network.js';
import type { S3Method, StoreHealth } from './store.js';
import type { World } from './world.js';

/** What can be done to a world. */
const KINDS = [
  'killed processes',
  'ended processes',
  'kills at a write',
  'stopped processes',
  'cut lines',
  'isolated processes',
  'reset connections',
  'store outages',
  'absent trios',
  'drained trios',
] as const;

/** What can be done to a cluster besides. */
const CLUSTER_KINDS = [
  'deleted pods',
  'killed pods',
  'evicted pods',
  'suspended JobSets',
  'deleted JobSets',
  'silent watches',
  'forgotten versions',
] as const;
export type FaultKind = (typeof KINDS)[number] | (typeof CLUSTER_KINDS)[number];

export interface Faults {
  /** Begins to disturb, unless it is calm; everything heals by itself, at the latest when the disturbance ends. */
  begin(calm: boolean): void;
  readonly healed: boolean;
  /** As the store's onlooker: see `Onlooker`. */
  before(life: Life, method: S3Method): boolean;
  after(life: Life, method: S3Method): void;
  readonly counts: Record<FaultKind, number>;
}

export interface Disturbed {
  readonly world: World;
  readonly network: Network;
  readonly weather: Weather;
  readonly health: StoreHealth;
  readonly hosts: readonly Host<unknown>[];
  /** The processes of each trio at present. */
  trios(): readonly (readonly Host<unknown>[])[];
  readonly store: Host<unknown>;
  /** Absent where trios are no JobSets. */
  readonly cluster?: FakeCluster;
}

/** Milliseconds: longer than an orchestrator is patient with a trio. */
const LONGEST_ABSENCE = 60_000;

/** A process that dies at one of its next writes, or takes the store with it. */
interface Tripwire {
  readonly host: string;
  writes: number;
  readonly when: 'before' | 'after';
  readonly victim: 'writer' | 'store';
}

/** A seed decides which kinds there are, how often they come and how long they last, so that some seeds know only one. */
export function createFaults({ world, network, weather, health, hosts, trios, store, cluster }: Disturbed): Faults {
  const { chance } = world;
  const possible: readonly FaultKind[] = cluster ? [...KINDS, ...CLUSTER_KINDS] : KINDS;
  const counts = Object.fromEntries(possible.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  const kinds = possible.filter(() => chance.happens(0.5));
  const lasts = 1000 * chance.pick([3, 10, 30, 60]);
  const every = 1000 * chance.pick([0.1, 0.3, 1, 3]);
  const longest = 1000 * chance.pick([0.5, 5, 60]);
  let healed = false;
  let tripwire: Tripwire | undefined;

  const soon = () => chance.between(1, chance.between(2, longest));
  const names = () => hosts.map(({ name }) => name);
  const anyTrio = () => {
    const present = trios();
    return present.length === 0 ? [] : chance.pick(present);
  };

  function kill(host: Host<unknown>, away = chance.between(10, Math.min(longest, 10_000))): void {
    host.kill();
    network.died(host.name);
    world.after(away, 'restart', () => host.start());
  }

  /** As SIGTERM does; a process that does not end is killed. */
  function end(host: Host<unknown>): void {
    const { life } = host;
    const over = () => {
      if (host.life === life && life.alive) kill(host);
    };
    host.end(over);
    world.after(20_000, 'end', over);
  }

  function stop(host: Host<unknown>): void {
    const { life } = host;
    const time = soon();
    host.freeze();
    world.after(time, 'thaw', () => {
      if (host.life === life) host.thaw();
    });
    // A process that answers no ping is given up by the others.
    world.after(chance.between(20_000, 40_000), 'ping', () => {
      if (life.alive && life.frozen) network.died(host.name);
    });
  }

  function isolate(host: Host<unknown>): void {
    const time = soon();
    for (const name of names()) {
      network.cut(name, host.name, time);
      network.cut(host.name, name, time);
    }
  }

  function cut(): void {
    const [a, b] = [chance.pick(names()), chance.pick(names())];
    network.cut(a, b, soon());
    if (chance.happens(0.7)) network.cut(b, a, soon());
  }

  const strike: Readonly<Record<FaultKind, () => void>> = {
    'killed processes': () => {
      kill(chance.pick(hosts));
      if (chance.happens(0.2)) kill(chance.pick(hosts));
    },
    'ended processes': () => end(chance.pick(hosts)),
    'kills at a write': () => {
      tripwire ??= {
        host: chance.pick(names()),
        writes: chance.below(6),
        when: chance.pick(['before', 'after']),
        victim: chance.pick(['writer', 'writer', 'store']),
      };
    },
    'stopped processes': () => stop(chance.pick(hosts)),
    'cut lines': cut,
    'isolated processes': () => isolate(chance.pick(hosts)),
    'reset connections': () => network.reset(chance.pick(names()), chance.pick(names())),
    'store outages': () => {
      health.down = true;
      world.after(soon(), 'store is well', () => {
        health.down = false;
      });
    },
    'absent trios': () => {
      const away = chance.between(5000, LONGEST_ABSENCE);
      for (const host of anyTrio()) kill(host, away);
    },
    'drained trios': () => {
      for (const host of anyTrio()) end(host);
    },
    'deleted pods': () => struck('pods', (name) => cluster?.deletePod(name)),
    'killed pods': () => struck('pods', (name) => cluster?.deletePod(name, true)),
    'evicted pods': () => struck('pods', (name) => cluster?.evict(name)),
    'suspended JobSets': () => struck('jobsets', (name) => cluster?.preempt(name)),
    'deleted JobSets': () => {
      struck('jobsets', (name) => {
        const { uid } = cluster?.server.find('jobsets', name)?.metadata ?? {};
        if (uid !== undefined) void cluster?.server.api.delete(name, uid);
      });
    },
    'silent watches': () => cluster?.server.muteWatches(),
    'forgotten versions': () => {
      cluster?.server.compact();
      cluster?.server.breakWatches();
    },
  };

  function struck(kind: 'pods' | 'jobsets', strike: (name: string) => void): void {
    const present = cluster?.server.all(kind) ?? [];
    if (present.length > 0)
      strike(chance.pick<{ readonly metadata: { readonly name: string } }>(present).metadata.name);
  }

  function next(): void {
    if (healed) return;
    const kind = chance.pick(kinds);
    world.note('world', () => kind);
    // A kill at a write counts when it kills.
    if (kind !== 'kills at a write') counts[kind] += 1;
    strike[kind]();
    world.after(chance.after(every), 'fault', next);
  }

  function heal(): void {
    healed = true;
    world.note('world', () => 'heals');
    tripwire = undefined;
    Object.assign(weather, CALM);
    Object.assign(health, CALM);
    network.mend();
    for (const host of hosts) {
      host.thaw();
      host.start();
    }
  }

  /** Whether the store survives it. */
  function trip(life: Life, method: S3Method, when: Tripwire['when']): boolean {
    if (tripwire?.when !== when || tripwire.host !== life.host || method !== 'put') return true;
    if (tripwire.writes-- > 0) return true;
    const { victim } = tripwire;
    tripwire = undefined;
    counts['kills at a write'] += 1;
    const writer = hosts.find((host) => host.life === life);
    if (victim === 'store') kill(store);
    else if (writer) kill(writer);
    return victim !== 'store';
  }

  return {
    begin(calm) {
      if (calm) return heal();
      if (kinds.length > 0) world.after(chance.after(every), 'fault', next);
      world.after(lasts, 'heal', heal);
    },
    get healed() {
      return healed;
    },
    before: (life, method) => trip(life, method, 'before'),
    after: (life, method) => void trip(life, method, 'after'),
    counts,
  };
}

/** How network and store are when nothing disturbs them. */
export const CALM: Weather & StoreHealth = {
  ...{ latency: 1, slow: 0, breaks: 0, streamLife: 0, doubles: 0 },
  ...{ work: 1, refuses: 0, down: false, damages: 0 },
};

/** How bad network and store are between the faults. */
export function drawWeather({ chance }: World): Weather & StoreHealth {
  const rarely = (probability: number) => (chance.happens(0.3) ? probability * chance.next() : 0);
  return {
    latency: chance.pick([0.2, 1, 5, 20]),
    slow: rarely(0.02),
    breaks: rarely(0.2),
    streamLife: chance.happens(0.3) ? 1000 * chance.pick([0.1, 0.5, 3]) : 0,
    doubles: rarely(0.3),
    work: chance.pick([0.2, 2, 10]),
    refuses: rarely(0.3),
    down: false,
    damages: rarely(0.2),
  };
}
