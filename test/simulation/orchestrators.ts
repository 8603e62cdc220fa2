import { createBackoff } from '@trikd/core/async/backoff';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { TrainedRole } from '@trikd/core/domain/position';
import { duty } from '@trikd/core/run/advance';
import type { RunView } from '@trikd/core/run/run-view';
import type { RunState } from '@trikd/core/run/state';
import { createCandidate } from '@trikd/core/run/stored/lease';
import type { TrainerEvent } from '@trikd/core/training/ports';
import type { AnchorHolder } from '@trikd/model-host/anchor/anchor-holder';
import type { NumberedEvent } from '@trikd/model-host/trainer/attempt-events';
import type { Trainer } from '@trikd/model-host/trainer/trainer';
import { retryingStore } from '@trikd/store/retrying-store';
import type { QueueSettings } from '../../services/orchestrator/src/leadership/run-queue.js';
import { type Orchestrator, orchestrator } from '../../services/orchestrator/src/orchestrator.js';
import { fixedPlacement } from '../../services/orchestrator/src/placement/fixed.js';
import type { Placement } from '../../services/orchestrator/src/placement/placement.js';
import type { AnchorLink, TrainerLink } from '../../services/orchestrator/src/runs/ports.js';
import type { Host, Life } from './host.js';
import type { Network } from './network.js';
import type { WantedRun } from './scene.js';
import type { TrioHosts } from './trio.js';

/** The only file that knows how an orchestrator is wired and what its links are. */
export interface OrchestratorParts {
  readonly network: Network;
  /** The model at an address. */
  modelAt(address: string): Host<Trainer | AnchorHolder>;
  /** What gives trios to runs, in each life. */
  placementOf(life: Life): Placement;
  readonly queue: QueueSettings;
  readonly keepPairs: number;
  storeOf(life: Life): ObjectStore;
}

/** Seconds. Those of the configuration, but for a trainer that needs no minutes to trace its graphs. */
const TIMES = {
  grace: 2,
  drain: 5,
  firstRetry: 1,
  longestRetry: 30,
  prepare: 30,
  answer: 10,
  patience: 20,
  probe: 2,
  lease: 5,
  look: 1,
};

const NO_PAGES = {
  newest: 0,
  add: () => undefined,
  read: async function* () {},
  close: async () => undefined,
};

export function bootOrchestrator(parts: OrchestratorParts, life: Life): Orchestrator {
  const { network, queue } = parts;
  const { clock } = life;
  const store = parts.storeOf(life);
  const writer = `${life.host} ${life.number}`;
  // What is at an address is what the placement says.
  const trainerAt = (address: string) => parts.modelAt(address) as Host<Trainer>;
  const anchorAt = (address: string) => parts.modelAt(address) as Host<AnchorHolder>;
  return orchestrator({
    store,
    retrying: (signal, trouble) => retryingStore(store, { clock, random: life.random, signal, onOutage: trouble }),
    candidate: createCandidate({ store, clock, holder: writer, seconds: TIMES.lease }),
    look: TIMES.look,
    keepPairs: parts.keepPairs,
    placement: parts.placementOf(life),
    connect: (trio) => {
      return {
        trainers: {
          teacher: trainerLink(network, life, trainerAt(trio.teacher), 'teacher'),
          student: trainerLink(network, life, trainerAt(trio.student), 'student'),
        },
        anchor: anchorLink(network, life, anchorAt(trio.anchor)),
        steps: [],
        close: () => undefined,
      };
    },
    queue,
    times: TIMES,
    clock,
    retries: 4,
    writer,
    log: { info: (fields: unknown, message?: string) => life.note(() => `${message} ${JSON.stringify(fields)}`) },
    date: () => new Date(Math.max(0, clock.now())),
    secretKey: () => Uint8Array.from({ length: 32 }, () => 256 * life.random()),
    openFile: () => ({ write: () => undefined, close: async () => undefined }),
    // Past events are read by no process of the simulation.
    openPages: async () => NO_PAGES,
    nonce: () => `${Math.floor(2 ** 40 * life.random())}`,
    removeFile: async () => undefined,
    failed: (_runId, error) => life.note(() => `does not drive the run: ${error}`),
  });
}

/** The placement of one life of an orchestrator whose trios are all there is. */
export function fixedPlacementOf(trios: readonly TrioHosts[], network: Network, life: Life): Placement {
  const models = trios.flatMap(({ teacher, student, anchor }): Host<unknown>[] => [teacher, student, anchor]);
  return fixedPlacement({
    trios: trios.map(({ name, teacher, student, anchor }) => ({
      ...{ name, teacher: teacher.name, student: student.name, anchor: anchor.name },
    })),
    probe: async (address) => {
      const asked = models.find(({ name }) => name === address)!;
      const health = async () => (asked.ending ? ('not-serving' as const) : ('serving' as const));
      const answer = network.call(life, asked, 'health', health, { seconds: TIMES.probe });
      return answer.catch((error: unknown) => ({ unreachable: `${error}` }));
    },
    ...{ clock: life.clock, times: TIMES, stopped: NEVER },
  });
}

/**
 * A client that wants the run to end: it asks until an orchestrator has answered, polls, and asks again when the run failed.
 * @param choose the next orchestrator to ask
 */
export async function wantRun(
  network: Network,
  life: Life,
  { spec, placement, owner, after }: WantedRun,
  choose: () => Host<Orchestrator>,
): Promise<void> {
  if (after > 0) await life.clock.sleep(after);
  let request = 1;
  let heard = false;
  for (;;) {
    const asked = choose();
    const [takeOver, requestId] = [life.random() < 0.1, `request ${request}`];
    const wanted = { spec, requestId, takeOver, placement, ...(owner && { owner }) };
    try {
      const view: RunView = heard
        ? await network.call(life, asked, 'get', (service) => service.get(spec.name))
        : await network.call(life, asked, 'create', (service) => service.create(wanted));
      const { state } = view;
      life.note(() => `${asked.name} has stage ${state.stage}, attempt ${state.attempt}: ${state.phase}`);
      if (state.phase === 'completed') return;
      heard = state.phase !== 'failed';
      if (!heard) request += 1;
    } catch (error) {
      life.note(() => `${asked.name}: ${error}`);
    }
    await life.clock.sleep(1000 + 9000 * life.random());
  }
}

/**
 * A client that steers the run: it pauses and resumes it now and then, and triggers the generations that wait.
 * @param resting whether it may still be brought to rest
 * @param steered is called with each request that an orchestrator has fulfilled
 */
export async function meddle(
  network: Network,
  life: Life,
  runId: string,
  ports: { choose(): Host<Orchestrator>; resting(): boolean; steered(kind: Wish): void },
): Promise<void> {
  for (let request = 1; ; request += 1) {
    await life.clock.sleep(200 + 2000 * life.random());
    const asked = ports.choose();
    try {
      const { state } = await network.call(life, asked, 'get', (service) => service.get(runId));
      const kind = wishOf(state, ports.resting() && life.random() < 0.7);
      if (!kind) continue;
      const id = `meddle ${life.number} ${request}`;
      const now = await network.call(life, asked, kind, (service) => service.steer(runId, { kind }, id));
      life.note(() => `${asked.name} has ${kind} the run: ${now.state.phase}`);
      ports.steered(kind);
    } catch (error) {
      life.note(() => `${asked.name}: ${error}`);
    }
  }
}

type Wish = 'triggered' | 'paused' | 'resumed';

function wishOf(state: RunState, rest: boolean): Wish | undefined {
  if (state.phase === 'waiting') return 'triggered';
  if (state.phase === 'paused') return 'resumed';
  return rest && duty(state) ? 'paused' : undefined;
}

/** The caller of such a stream gives up by the clock. */
const NEVER = new AbortController().signal;

function trainerLink(network: Network, life: Life, trainer: Host<Trainer>, role: TrainedRole): TrainerLink {
  return {
    role,
    address: trainer.name,
    assign: ({ tracing: _, ...assignment }) =>
      network.call(life, trainer, 'assign', (service) => service.assign(assignment), { seconds: TIMES.prepare }),
    setLimit: (attempt, limit) =>
      network.call(life, trainer, 'limit', async (service) => void service.setLimit(attempt, limit), {
        seconds: TIMES.answer,
      }),
    saveAt: (attempt, step) =>
      network.call(life, trainer, 'save at', async (service) => void service.saveAt(attempt, step), {
        seconds: TIMES.answer,
      }),
    nextStep: () =>
      network.call(
        life,
        trainer,
        'next step',
        async (service) => {
          const present = service.current();
          if (!present) throw new TrikdError('out-of-step', `the ${role} has no assignment any more`);
          return present.firstOpenStep();
        },
        { seconds: TIMES.answer },
      ),
    past: (attempt) =>
      trainerEvents(
        eventsOf(
          network.stream(life, trainer, 'past events', (service, left) => service.watch(attempt, 0, left, true), NEVER),
        ),
        role,
      ),
    watch: (attempt, signal, connection) =>
      trainerEvents(
        watch(
          life,
          signal,
          `the ${role}`,
          (from) =>
            network.stream(life, trainer, 'events', (service, left) => service.watch(attempt, from, left), signal),
          connection,
        ),
        role,
      ),
  };
}

async function* eventsOf(numbered: AsyncIterable<NumberedEvent>): AsyncGenerator<TrainerEvent, void> {
  for await (const { event } of numbered) yield event;
}

/** As `watch` of the gRPC clients: a stream that is resumed after a lost connection, for so long. */
async function* watch(
  life: Life,
  signal: AbortSignal,
  what: string,
  open: (from: number) => AsyncIterable<NumberedEvent>,
  connection: (lost: string | undefined) => void = () => undefined,
): AsyncGenerator<TrainerEvent, void> {
  const backoff = createBackoff({ firstMs: 50, maxMs: 2_000, random: life.random });
  let from = 0;
  let lostAt: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      for await (const { number, event } of open(from)) {
        if (lostAt !== undefined) connection(undefined);
        lostAt = undefined;
        backoff.reset();
        from = number + 1;
        yield event;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TrikdError && error.kind === 'unavailable')) throw error;
      if (lostAt === undefined) connection(`${what} cannot be reached: ${error.message}`);
      lostAt ??= life.clock.now();
      const lost = (life.clock.now() - lostAt) / 1000;
      if (lost >= TIMES.patience) {
        throw new TrikdError('unavailable', `${what} has been unreachable for ${lost.toFixed(0)} s: ${error.message}`);
      }
    }
    await life.clock.sleep(backoff.next(), signal);
  }
}

async function* trainerEvents(events: AsyncIterable<TrainerEvent>, role: TrainedRole): AsyncGenerator<TrainerEvent> {
  for await (const event of events) {
    if (event.kind !== 'failure') {
      yield event;
      continue;
    }
    const { kind, message } = event.failure;
    throw kind === 'internal' ? new Error(message) : new TrikdError(kind, `the ${role}: ${message}`);
  }
}

function anchorLink(network: Network, life: Life, anchor: Host<AnchorHolder>): AnchorLink {
  return {
    address: anchor.name,
    load: ({ start, term, exchangeSecret, spec, params }) =>
      network.call(life, anchor, 'load', (service) => service.load({ start, term, exchangeSecret, spec, params }), {
        seconds: TIMES.prepare,
      }),
  };
}
