import type { Position } from '@trikd/core/domain/position';
import { loadRun } from '@trikd/core/run/stored/run-store';
import type { ClusterEvent, ServiceUnderTest } from '@trikd/testing/processes/cluster';
import { expect, test } from 'vitest';
import { digestsOf, referenceDigests } from './digests.js';
import { followRun } from './follow-run.js';
import { LONGEST } from './longest.js';
import { INTERVAL, specOf, startTrio, type Trio } from './trio.js';

type Ended = ClusterEvent & { readonly kind: 'ended' };

const isTrainer = (name: string) => name.endsWith('-trainer');

/** `make faults` restarts each service in each generation. Otherwise each is restarted once, the models where an anchor serves. */
const ALL = process.env['FAULTS'] !== undefined;
const EPOCHS = ALL ? 48 : 32;

test('a rolling restart drains every service, all models exit at once in order, and no bit changes', async () => {
  const trio = await startTrio('folder');
  const spec = specOf('rolled', trio.data, EPOCHS);
  const expected = await referenceDigests(spec);
  const following = followRun(
    trio.orchestrators.map(({ address }) => address),
    spec,
  );
  // The anchor-server comes last: trainers continue with the frames that it has sent, perhaps to the end of the generation.
  const models = [...trio.of('teacher'), ...trio.of('student'), ...trio.of('anchor')];
  const services = [...trio.orchestrators, ...models];
  const orders = ALL ? [services, services] : [trio.orchestrators, models];
  const story: Restart[] = [];
  for (const [stage, order] of orders.entries()) {
    for (const service of order) story.push(await restart(trio, spec.name, stage, service));
  }
  const rolled = trio.steps.replays(spec.name).length;
  const exits = await exitAtOnce(trio, models);
  await following;
  const { state } = await loadRun(await trio.openStore(), spec.name);
  const all = trio.steps.replays(spec.name);
  const replayed = story.map(({ replays }, index) => {
    const attempts = all.slice(replays, story[index + 1]?.replays ?? rolled);
    return Math.max(0, ...attempts.map(({ steps }) => steps));
  });
  const rows = story.map(({ service, drain }, index) => `${service} ${inSeconds(drain)}, ${replayed[index]} steps`);
  console.log(`each service drained and started again, steps trained twice: ${rows.join('; ')}`);
  const took = exits.map(({ service, drain }) => `${service} ${inSeconds(drain)}`);
  const twice = all.slice(rolled).map(({ steps }) => steps);
  console.log(`asked to exit at once: ${took.join(', ')}; steps trained twice: ${twice.join(', ')}`);
  expect(digestsOf(state.results)).toBe(expected);
  expect(Math.max(...[...story, ...exits].map(({ drain }) => drain))).toBeLessThanOrEqual(LONGEST);
  const ofTrainers = replayed.filter((_, index) => isTrainer(story[index]?.service ?? ''));
  expect(ofTrainers).toEqual(Array.from({ length: ALL ? 4 : 2 }, () => 0));
});

/** A service asked to exit: milliseconds until it had, and how often the run had been continued before. */
interface Restart {
  readonly service: string;
  readonly drain: number;
  readonly replays: number;
}

/** Has a service exit in the middle of two checkpoints, and waits until it is back. */
async function restart(trio: Trio, runId: string, stage: number, service: ServiceUnderTest): Promise<Restart> {
  const before = await betweenCheckpoints(trio, stage);
  const replays = trio.steps.replays(runId).length;
  const drain = await exit(trio, service);
  await service.listening();
  // Steps of an attempt that is over may still come.
  const isNext = (step: Position) => step.stage > stage || step.attempt > before.attempt;
  if (isTrainer(service.name)) await trio.steps.next(isNext);
  return { service: service.name, drain, replays };
}

async function exitAtOnce(trio: Trio, models: readonly ServiceUnderTest[]) {
  await betweenCheckpoints(trio, 1);
  return Promise.all(models.map(async (model) => ({ service: model.name, drain: await exit(trio, model) })));
}

function betweenCheckpoints({ steps }: Trio, stage: number) {
  return steps.next((step) => step.stage === stage && step.step % INTERVAL > 8);
}

/** Milliseconds until a service that is asked to exit has done so, in order. */
async function exit(trio: Trio, service: ServiceUnderTest): Promise<number> {
  const ended = trio.until((event): event is Ended => event.kind === 'ended' && event.service === service.name);
  const from = performance.now();
  service.signal('SIGTERM');
  const { at, code } = await ended;
  expect(code).toBe(143);
  return at - from;
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
