import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { createLogger } from '@trikd/process/logging';
import type { LoadAnchorRequest } from '@trikd/protocol/gen/node/trikd/v1/anchor';
import { type Run, RunServiceClient, type WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { NO_TELEMETRY, type Telemetry } from '@trikd/telemetry/telemetry';
import { runAfter } from '@trikd/testing/runs/run-after';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { createService, type ServiceOptions } from '@trikd/transport/nest/create-service';
import { orchestratorModule } from '../../services/orchestrator/src/api/orchestrator.module.js';
import { RUN_SERVICE } from '../../services/orchestrator/src/api/run-service.js';
import { OrchestratorConfig } from '../../services/orchestrator/src/config.js';
import { orchestratorService } from '../../services/orchestrator/src/service.js';
import { type ToyWorld, toyAnchor, toyTrainer } from './orchestrator-doubles.js';

/** A spec as a client sends it: it need not be one. */
export const specOf = (change: object = {}) => ({ ...writtenSpec('three stages'), ...change });

const cleanups: (() => unknown)[] = [];

/** Lets go of everything that was started; after each test. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/** Has something done after the test. */
export function later(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'trikd-orchestrator-'));
  cleanups.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Two trainers and an anchor-server. */
export async function trio(store: ObjectStore, world: ToyWorld = {}, anchorDigest?: string) {
  const teacher = await toyTrainer('teacher', store, world);
  const student = await toyTrainer('student', store, world);
  const anchor = await toyAnchor(anchorDigest, world);
  cleanups.push(teacher.close, student.close, anchor.close);
  return { teacher, student, anchor };
}

type Trio = Awaited<ReturnType<typeof trio>>;

const addressesOf = ({ teacher, student, anchor }: Trio, index: number) => ({
  name: `trio-${index + 1}`,
  teacher: teacher.address,
  student: student.address,
  anchor: anchor.address,
});

/** The orchestrator as its process wires it, and a client. */
export async function serve(
  store: ObjectStore,
  models: Trio | readonly Trio[],
  events?: string,
  log = createLogger({ level: 'silent' }, 'orchestrator'),
  access: Pick<ServiceOptions, 'tokens' | 'login' | 'audit'> = {},
  queue: object = {},
  telemetry: Telemetry = NO_TELEMETRY,
  settings: object = {},
) {
  const trios = [models].flat();
  const config = OrchestratorConfig.parse({
    store: { path: 'unused: the store is given' },
    events: events ?? (await folder()),
    placement: { kind: 'fixed', trios: trios.map(addressesOf) },
    queue,
    retries: 2,
    ...settings,
    times: { probe: 0.05, answer: 5, patience: 0.5, grace: 0.2, firstRetry: 0.01, drain: 5, lease: 0.3, look: 0.05 },
  });
  const driver = orchestratorService(config, store, log, telemetry);
  const service = await createService({
    module: orchestratorModule(driver.orchestrator),
    services: { 'trikd.v1.RunService': RUN_SERVICE },
    listen: '127.0.0.1:0',
    log,
    ...access,
    drainSeconds: 5,
  });
  const client = openClient(RunServiceClient, service.address);
  const stop = () => Promise.all([driver.stop(), service.close()]);
  cleanups.push(() => client.close(), stop);
  return {
    stop,
    client,
    address: service.address,
    orchestrator: driver.orchestrator,
    request: (spec: object, requestId: string) =>
      unary(
        client.createRun.bind(client),
        { spec: JSON.stringify(spec), requestId, takeOver: false, placement: undefined, team: '' },
        { what: 'it' },
      ),
    rollBack: async (runId: string, stage: number, requestId: string) =>
      (await unary(client.rollbackAnchor.bind(client), { runId, stage, requestId }, { what: 'it' })).run,
    create: async (spec: object) => {
      const request = { spec: JSON.stringify(spec), requestId: '', takeOver: true, placement: undefined, team: '' };
      const { run } = await unary(client.createRun.bind(client), request, { what: 'it' });
      return run;
    },
    get: async (runId: string) => (await unary(client.getRun.bind(client), { runId }, { what: 'it' })).run,
    watch: async (runId: string): Promise<readonly NonNullable<WatchRunResponse['event']>[]> => {
      const events: NonNullable<WatchRunResponse['event']>[] = [];
      const messages: AsyncIterable<WatchRunResponse> = client.watchRun({ runId, fromEvent: 0, pastOnly: false });
      for await (const { event } of messages) if (event) events.push(event);
      return events;
    },
  };
}

export const lastRun = (events: readonly NonNullable<WatchRunResponse['event']>[]): Run | undefined => runAfter(events);

/** How a run ends that nothing happens to. */
export async function undisturbed(change: object = {}): Promise<Run | undefined> {
  const store = memoryStore();
  const calm = await serve(store, await trio(store));
  await calm.create(specOf(change));
  return lastRun(await calm.watch('trial'));
}

/** What of a run must not depend on what happened to its processes: what its blobs contain does not, in which attempt they were saved does. */
export const resultOf = (run: Run | undefined) => ({
  phase: run?.phase,
  best: run?.bestStage,
  results: run?.stages.map((result) => ({
    ...result,
    learners: result.learners.map(({ best, ...rest }) => ({
      ...rest,
      best: { ...best, params: best?.params?.sha256 },
    })),
  })),
});

/** The best params of a learner of a stage that has ended; undefined: there is none. */
export const bestOf = (run: Run | undefined, stage: number, participant = 'student') =>
  run?.stages[stage]?.learners.find((learner) => learner.participant === participant)?.best;

/** SHA-256 of the params that an anchor-server was to load, by name. */
export const loaded = ({ frozen }: LoadAnchorRequest) =>
  Object.fromEntries(frozen.map(({ participant, params }) => [participant, params?.sha256]));

/** Holds the learners of a stage, both or the only one, before one step of it until it is opened. */
export function gateAt(stage: number, step: number, learners = 2) {
  const reached = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  let waiting = 0;
  const gate: ToyWorld['gate'] = async (_role, heldStage, heldStep) => {
    if (heldStage !== stage || heldStep !== step) return;
    waiting += 1;
    if (waiting === learners) reached.resolve();
    await open.promise;
  };
  cleanups.push(() => open.resolve());
  return { gate, reached: reached.promise, open: () => open.resolve() };
}

/**
 * The same, opened when they have their limit two steps beyond the step that holds them: they can still take it.
 */
export function heldUntilLimited(stage: number, step: number, learners = 2) {
  const held = gateAt(stage, step, learners);
  const resting = new Set<string>();
  const limited: ToyWorld['limited'] = (role, limit) => {
    if (limit === step + 2 && resting.add(role).size === learners) held.open();
  };
  return { ...held, limited };
}
