import type { AnchorHolder } from '@trikd/model-host/anchor/anchor-holder';
import type { ExchangeSource } from '@trikd/model-host/exchange/exchange.controller';
import type { Trainer } from '@trikd/model-host/trainer/trainer';
import type { Orchestrator } from '../../services/orchestrator/src/orchestrator.js';
import { createFaults, drawWeather } from './faults.js';
import { createHost, type Host, type Life } from './host.js';
import { createInvariants } from './invariants.js';
import { createNetwork } from './network.js';
import { oracleOf } from './oracle.js';
import { bootOrchestrator, meddle, wantRun } from './orchestrators.js';
import { createStore, type StoreService } from './store.js';
import { bootAnchor, bootTrainer, type TrioParts } from './trio.js';
import { createWorld, type WorldOptions } from './world.js';

/** What became of one seed. */
export interface Outcome {
  readonly seed: number;
  /** What did not hold; undefined when everything did and the run came to what it comes to undisturbed. */
  readonly failure?: string;
  readonly finished: boolean;
  /** Of the course of events: the same for the same seed. */
  readonly digest: string;
  /** What happened, by kind. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Milliseconds after the last fault within which the run must end. */
const BOUND = 30 * 60_000;
/** Milliseconds that processes live on after the end: what comes late must change nothing. */
const AFTERMATH = 1_500;

/** Lives through one seed. */
export async function simulate(seed: number, options: WorldOptions = {}): Promise<Outcome> {
  try {
    return await live(seed, options);
  } catch (error) {
    return { seed, failure: `the undisturbed run fails: ${error}`, finished: false, digest: '', counts: {} };
  }
}

async function live(seed: number, options: WorldOptions): Promise<Outcome> {
  const world = createWorld(seed, options);
  const { chance } = world;
  const oracle = await oracleOf(chance.below(1 << 16));
  const conditions = drawWeather(world);
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
      invariants.changed(key, bytes);
      life.note(() => `${bytes ? 'wrote' : 'removed'} ${key}`);
      if (invariants.state?.phase === 'completed') endedAt ??= world.now();
    },
  });
  const invariants = createInvariants(oracle, store, broken);
  const [slowest, fastest] = chance.pick<readonly [number, number]>([
    [1, 1],
    [0.9, 1.1],
    [0.5, 2],
  ]);
  const drift = () => chance.between(slowest, fastest);
  const host = <Service>(name: string, boot: (life: Life) => Service, end?: (service: Service) => Promise<void>) =>
    createHost<Service>(world, { name, boot, drift, ...(end && { end }) });

  const storeHost: Host<StoreService> = host('store', store.boot);
  const storeOf = (life: Life) => store.open(life, network, storeHost);
  const reachable: Record<string, Host<ExchangeSource>> = {};
  const parts: TrioParts = {
    dataset: oracle.dataset,
    network,
    storeOf,
    reach: (address) => reachable[address]!,
    trained({ host: name, number }, step) {
      steps += 1;
      if (!oracle.knows(step))
        broken(`life ${number} of the ${name} trained a step that the undisturbed run does not know`);
    },
    misled: ({ host: name, number }, sentence) => broken(`${sentence} to life ${number} of the ${name}`),
  };
  const stop = (service: { stop(): Promise<void> }) => service.stop();
  const teacher: Host<Trainer> = host('teacher', (life) => bootTrainer(parts, 'teacher', life), stop);
  const student: Host<Trainer> = host('student', (life) => bootTrainer(parts, 'student', life), stop);
  const anchor: Host<AnchorHolder> = host('anchor', (life) => bootAnchor(parts, life), stop);
  Object.assign(reachable, { teacher, student, anchor });
  const control = { network, trainers: { teacher, student }, anchor, keepPairs: 1 + chance.below(2), storeOf };
  const orchestrators: Host<Orchestrator>[] = ['orchestrator-a', 'orchestrator-b'].map((name) =>
    host(
      name,
      (life) => bootOrchestrator(control, life),
      (service) => service.drain(),
    ),
  );
  const hosts: readonly Host<unknown>[] = [storeHost, teacher, student, anchor, ...orchestrators];
  const faults = createFaults({ world, network, weather, health, hosts, store: storeHost });

  // When a generation begins changes nothing of what it comes to.
  const steered = { paused: 0, resumed: 0, triggered: 0 };
  const meddled = chance.happens(0.3);
  const advance = meddled ? chance.pick(['automatic', 'manual'] as const) : 'automatic';
  const spec = { ...oracle.spec, curriculum: { ...oracle.spec.curriculum, advance } };
  const choose = () => chance.pick(orchestrators);
  const failed = (error: unknown) => broken(`${error}`);
  const client = host('client', (life) => {
    wantRun(network, life, spec, choose).catch(failed);
  });
  const meddler = host('meddler', (life) => {
    const resting = () => !faults.healed;
    const count = (kind: keyof typeof steered) => {
      steered[kind] += 1;
    };
    meddle(network, life, spec.name, { choose, resting, steered: count }).catch(failed);
  });
  const callers = meddled ? [client, meddler] : [client];

  for (const each of [...hosts, ...callers]) each.start();
  faults.begin();
  let bound = Number.POSITIVE_INFINITY;
  await world.run(() => {
    if (faults.healed && bound === Number.POSITIVE_INFINITY) bound = world.now() + BOUND;
    return failure !== undefined || world.now() > Math.min(bound, (endedAt ?? Number.POSITIVE_INFINITY) + AFTERMATH);
  });
  if (endedAt === undefined && failure === undefined) {
    const waits = [...hosts, ...callers].map(
      ({ name, life }) => `${name} waits for ${[...life.waiting].join(', ') || 'nobody'}`,
    );
    const { phase, generation, attempt } = invariants.state ?? {};
    broken(
      `not finished ${BOUND / 60_000} minutes after the last fault: ${phase} generation ${generation}, attempt ${attempt}; ${waits.join('; ')}`,
    );
  }
  // Nothing of this world may go on in the next.
  for (const each of [...hosts, ...callers]) each.kill();
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
      'generations begun by hand': steered.triggered,
      steps,
      attempts: invariants.attempts,
      events: world.events,
      'virtual seconds': world.now() / 1000,
    },
  };
}
