import { chosenMethod } from '@trikd/core/methods/registry';
import { LEASE_KEY } from '@trikd/core/run/stored/lease';
import { stateKey } from '@trikd/core/run/stored/run-store';
import { mostReplicas } from '@trikd/core/stages/stages-of';
import type { AnchorHolder } from '@trikd/model-host/anchor/anchor-holder';
import type { Orchestrator } from '../../services/orchestrator/src/orchestrator.js';
import type { Placement } from '../../services/orchestrator/src/placement/placement.js';
import { CALM, createFaults, drawWeather } from './faults.js';
import { createHost, type Host, type Life } from './host.js';
import { createInvariants } from './invariants.js';
import { placementIn, type SimulatedCluster, simulatedCluster } from './kubernetes.js';
import { createNetwork } from './network.js';
import { bootOrchestrator, fixedPlacementOf, meddle, wantRun } from './orchestrators.js';
import { createQueueInvariants } from './queue-invariants.js';
import { drawScene, type Scene } from './scene.js';
import { createStore, type StoreService } from './store.js';
import { type MakeHost, podHost, type TrainerProcess, type TrioHosts, type TrioParts, trioHosts } from './trio.js';
import { createWorld, type WorldOptions } from './world.js';

/** What became of one seed. */
export interface Outcome {
  readonly seed: number;
  /** The first broken invariant; undefined when all held and the run ended with the undisturbed results. */
  readonly failure?: string;
  readonly finished: boolean;
  /** Of the course of events: the same for the same seed. */
  readonly digest: string;
  /** What happened, by kind. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Milliseconds after the last fault within which the run must end. */
const BOUND = 30 * 60_000;
/** Milliseconds that processes live on after the end: late messages must change nothing. */
const AFTERMATH = 1_500;
/** As long as it takes until no marker of a run is left, by the slowest clock. */
const AFTERMATH_OF_MANY = 140_000;

/** A scene of many runs takes as long as twenty of one run. The number is odd, so that each of two workers gets half of them. */
const MANY = 33;

export interface SimulationOptions extends WorldOptions {
  /** Several runs that share some trios. Default: in one seed of `MANY`. */
  readonly many?: boolean;
  /** The trios of several runs are JobSets of a cluster. Default: in every other such seed. */
  readonly jobsets?: boolean;
}

/** Lives through one seed. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  try {
    return await live(seed, options);
  } catch (error) {
    return { seed, failure: `the undisturbed run fails: ${error}`, finished: false, digest: '', counts: {} };
  }
}

async function live(
  seed: number,
  {
    many = seed % MANY === MANY - 1,
    jobsets = many && Math.floor(seed / MANY) % 2 === 1,
    ...options
  }: SimulationOptions,
): Promise<Outcome> {
  const world = createWorld(seed, options);
  const { chance } = world;
  const scene: Scene = await drawScene(chance, many, jobsets);
  const { runs } = scene;
  const conditions = scene.calm ? { ...CALM } : drawWeather(world);
  const [weather, health] = [conditions, conditions];
  const network = createNetwork(world, weather);
  let failure: string | undefined;
  let endedAt: number | undefined;
  let steps = 0;
  const broken = (sentence: string) => {
    world.note('oracle', () => sentence);
    failure ??= sentence;
  };

  const store = createStore(world, health, {
    before: (life, method) => faults.before(life, method),
    after: (life, method) => faults.after(life, method),
    changed(life, key, bytes) {
      for (const { invariants } of watched) invariants.changed(key, bytes);
      const run = bytes && runs.find(({ spec }) => key === stateKey(spec.name));
      if (run) between.changed(run.spec.name, JSON.parse(Buffer.from(bytes).toString()));
      life.note(() => `${bytes ? 'wrote' : 'removed'} ${key}`);
      if (watched.every(({ invariants }) => invariants.state?.phase === 'completed')) endedAt ??= world.now();
    },
  });
  const watched = runs.map(({ spec, oracle }) => {
    const named = (sentence: string) => broken(many ? `${spec.name}: ${sentence}` : sentence);
    return { invariants: createInvariants(spec.name, oracle, store, named) };
  });
  const after = (ms: number, happen: () => void) => world.after(ms, 'invariant', happen);
  const between = createQueueInvariants({
    ...{ queue: scene.queue, calm: scene.calm, clustered: jobsets, after, broken },
  });
  const [slowest, fastest] = chance.pick<readonly [number, number]>([
    [1, 1],
    [0.9, 1.1],
    [0.5, 2],
  ]);
  const drift = () => chance.between(slowest, fastest);
  const host: MakeHost = (name, boot, end) => createHost(world, { name, boot, drift, ...(end && { end }) });
  const hosts: Host<unknown>[] = [];

  const storeHost: Host<StoreService> = host('store', store.boot);
  const storeOf = (life: Life) => store.open(life, network, storeHost);
  const reachable: Record<string, Host<TrainerProcess | AnchorHolder>> = {};
  const replicas = { 'replicas opened': 0, 'replicas taken over': 0 };
  const parts: TrioParts = {
    datasetOf: ({ seed }) => runs.find(({ spec }) => spec.seed === seed)!.oracle.dataset,
    network,
    storeOf,
    reach: (address) => reachable[address]!,
    trained({ host: name, number }, step) {
      steps += 1;
      if (!runs.some(({ oracle }) => oracle.knows(step)))
        broken(`life ${number} of the ${name} trained a step that the undisturbed run does not know`);
    },
    misled: ({ host: name, number }, sentence) => broken(`${sentence} to life ${number} of the ${name}`),
    count(kind) {
      replicas[kind] += 1;
    },
  };
  const trios = jobsets
    ? []
    : Array.from({ length: scene.trios }, (_, index) => trioHosts(parts, host, index + 1, scene.replicas));
  const groups = trios.map(servicesOf);
  for (const each of groups.flat()) reachable[each.name] = each;
  const simulated: SimulatedCluster | undefined =
    scene.cluster &&
    simulatedCluster({
      ...{ world, network, scene, broken },
      pod(role, address, isThere) {
        const make: MakeHost = (name, boot, end) =>
          createHost(world, { name, boot, drift, mayStart: isThere, ...(end && { end }) });
        const made = podHost(parts, make, role, address);
        reachable[address] = made;
        hosts.push(made);
        return made;
      },
      gone: (pod) => void hosts.splice(hosts.indexOf(pod), 1),
    });
  const server = simulated && host('kubernetes', () => simulated.cluster.server.api);
  const placements = new Map<Life, Placement>();
  const control = {
    ...{ network, queue: scene.queue, keepPairs: 1 + chance.below(2), storeOf },
    modelAt: (address: string) => reachable[address]!,
    placementOf(life: Life) {
      const placement = server ? placementIn(scene, network, life, server) : fixedPlacementOf(trios, network, life);
      placements.set(life, placement);
      return placement;
    },
  };
  const orchestrators: Host<Orchestrator>[] = ['orchestrator-a', 'orchestrator-b'].map((name) =>
    host(
      name,
      (life) => bootOrchestrator(control, life),
      (service) => service.drain(),
    ),
  );
  hosts.push(storeHost, ...groups.flat(), ...orchestrators, ...(server ? [server] : []));
  const faults = createFaults({
    ...{ world, network, weather, health, hosts, store: storeHost },
    trios: () => simulated?.trios() ?? groups,
    ...(simulated && { cluster: simulated.cluster }),
  });

  const steered = { paused: 0, resumed: 0, triggered: 0 };
  const choose = () => chance.pick(orchestrators);
  const failed = (error: unknown) => broken(`${error}`);
  const clients = runs.map((run, index) =>
    host(many ? `client-${index + 1}` : 'client', (life) => {
      wantRun(network, life, run, choose).catch(failed);
    }),
  );
  const meddler = host('meddler', (life) => {
    const resting = () => !faults.healed;
    const count = (kind: keyof typeof steered) => {
      steered[kind] += 1;
    };
    meddle(network, life, runs[0]!.spec.name, { choose, resting, steered: count }).catch(failed);
  });
  const callers = scene.meddled ? [...clients, meddler] : clients;

  for (const each of [...hosts, ...callers]) each.start();
  faults.begin(scene.calm);
  let bound = Number.POSITIVE_INFINITY;
  const aftermath = many ? AFTERMATH_OF_MANY : AFTERMATH;
  await world.run(() => {
    if (faults.healed && bound === Number.POSITIVE_INFINITY) bound = world.now() + BOUND;
    return failure !== undefined || world.now() > Math.min(bound, (endedAt ?? Number.POSITIVE_INFINITY) + aftermath);
  });
  if (endedAt === undefined && failure === undefined) {
    const waits = [...hosts, ...callers].map(
      ({ name, life }) => `${name} waits for ${[...life.waiting].join(', ') || 'nothing'}`,
    );
    const states = watched.map(({ invariants: { state } }, index) => {
      const { phase, stage, attempt } = state ?? {};
      return `${runs[index]!.spec.name} ${phase} stage ${stage}, attempt ${attempt}`;
    });
    broken(`not finished ${BOUND / 60_000} minutes after the last fault: ${[...states, ...waits].join('; ')}`);
  }
  if (many && failure === undefined) for (const sentence of await leftOver()) broken(sentence);
  // Nothing of this world may go on in the next.
  for (const each of [...hosts, ...callers]) each.kill();

  /** When all runs have ended, nothing of them is in the queue, and the leader has given none a trio. */
  async function leftOver(): Promise<readonly string[]> {
    const keys = await store.disk.list('queue/');
    const lease = await store.disk.get(LEASE_KEY);
    const { holder } = JSON.parse(Buffer.from(lease!.bytes).toString());
    const leader = orchestrators.find(({ life }) => `${life.host} ${life.number}` === holder);
    const claims = leader ? await placements.get(leader.life)!.list() : [];
    return [
      ...keys.map((key) => `${key} is left in the store`),
      ...claims.map(({ runId, trio = 'a trio' }) => `${holder} has left ${trio} to run ${runId}`),
      ...(simulated?.leftOver() ?? []),
    ];
  }

  return {
    seed,
    ...(failure !== undefined && { failure }),
    finished: endedAt !== undefined,
    digest: world.digest(),
    counts: {
      ...faults.counts,
      ...network.counts,
      ...store.counts,
      'runs paused': steered.paused,
      'runs resumed': steered.resumed,
      'stages begun by hand': steered.triggered,
      ...replicas,
      ...between.counts,
      ...methodsOf(runs),
      'runs with replicas': runs.filter(({ spec }) => Math.max(...Object.values(mostReplicas(spec))) > 1).length,
      steps,
      attempts: watched.reduce((sum, { invariants }) => sum + invariants.attempts, 0),
      events: world.events,
      'virtual seconds': world.now() / 1000,
    },
  };
}

/** Runs by what decides their stages. */
function methodsOf(runs: Scene['runs']): Readonly<Record<string, number>> {
  const names = runs.map(({ spec }) => (spec.stages ? 'written-out stages' : chosenMethod(spec.method).knobs.kind));
  const counted = Map.groupBy(names, (name) => `runs of ${name}`);
  return Object.fromEntries([...counted].map(([name, all]) => [name, all.length]));
}

function servicesOf({ teacher, student, anchor, replicas }: TrioHosts): readonly Host<TrainerProcess | AnchorHolder>[] {
  return [teacher, student, anchor, ...replicas.teacher, ...replicas.student];
}
