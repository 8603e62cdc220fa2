import type { Position } from '@trikd/core/domain/position';
import { loadRun } from '@trikd/core/run/stored/run-store';
import type { ClusterEvent } from '@trikd/testing/processes/cluster';
import { expect, test } from 'vitest';
import { digestsOf, referenceDigests } from './digests.js';
import { followRun } from './follow-run.js';
import { LONGEST } from './longest.js';
import { INTERVAL, specOf, startTrio } from './trio.js';

type Ended = ClusterEvent & { readonly kind: 'ended' };

const isTrainer = (name: string) => name.endsWith('-trainer');

test('a rolling restart in each generation drains every service and changes no bit', async () => {
  const trio = await startTrio('folder');
  const spec = specOf('rolled', trio.data);
  const expected = await referenceDigests(spec);
  const following = followRun(
    trio.orchestrators.map(({ address }) => address),
    spec,
  );
  // The anchor-server comes last: trainers continue with the frames that it has sent, perhaps to the end of the generation.
  const services = [...trio.orchestrators, ...trio.of('teacher'), ...trio.of('student'), ...trio.of('anchor')];
  const story: { service: string; drain: number; replays: number }[] = [];
  for (const generation of [0, 1]) {
    for (const service of services) {
      const before = await trio.steps.next((step) => step.generation === generation && step.step % INTERVAL > 8);
      const replays = trio.steps.replays(spec.name).length;
      const isEnd = (event: ClusterEvent): event is Ended => event.kind === 'ended' && event.service === service.name;
      const ended = trio.until(isEnd);
      const from = performance.now();
      service.signal('SIGTERM');
      const { at, code } = await ended;
      expect(code).toBe(143);
      await service.listening();
      story.push({ service: service.name, drain: at - from, replays });
      // Steps of an attempt that is over may still come.
      const isNext = (step: Position) => step.generation > generation || step.attempt > before.attempt;
      if (isTrainer(service.name)) await trio.steps.next(isNext);
    }
  }
  await following;
  const { state } = await loadRun(await trio.openStore(), spec.name);
  const replayed = story.map(({ replays }, index) => {
    const attempts = trio.steps.replays(spec.name).slice(replays, story[index + 1]?.replays);
    return Math.max(0, ...attempts.map(({ steps }) => steps));
  });
  const rows = story.map(
    ({ service, drain }, index) => `${service} ${(drain / 1000).toFixed(2)} s, ${replayed[index]} steps`,
  );
  console.log(`each service drained and started again, steps trained twice: ${rows.join('; ')}`);
  expect(digestsOf(state.results)).toBe(expected);
  expect(Math.max(...story.map(({ drain }) => drain))).toBeLessThanOrEqual(LONGEST);
  expect(replayed.filter((_, index) => isTrainer(story[index]?.service ?? ''))).toEqual([0, 0, 0, 0]);
});

test('all models of a trio that are asked to exit at once exit in order and change no bit', async () => {
  const trio = await startTrio('folder', { orchestrators: 1 });
  const spec = specOf('suspended', trio.data);
  const expected = await referenceDigests(spec);
  const following = followRun(
    trio.orchestrators.map(({ address }) => address),
    spec,
  );
  await trio.steps.next((step) => step.generation === 1 && step.step % INTERVAL > 8);
  const models = [...trio.of('anchor'), ...trio.of('teacher'), ...trio.of('student')];
  const ends = models.map(({ name }) => {
    return trio.until((event): event is Ended => event.kind === 'ended' && event.service === name);
  });
  const from = performance.now();
  for (const model of models) model.signal('SIGTERM');
  const ended = await Promise.all(ends);
  await following;
  const { state } = await loadRun(await trio.openStore(), spec.name);
  const replayed = trio.steps.replays(spec.name).map(({ steps }) => steps);
  const took = ended.map(({ service, at }) => `${service} ${((at - from) / 1000).toFixed(2)} s`);
  console.log(`asked to exit at once: ${took.join(', ')}; steps trained twice: ${replayed.join(', ')}`);
  expect(digestsOf(state.results)).toBe(expected);
  expect(ended.map(({ code }) => code)).toEqual([143, 143, 143]);
  expect(Math.max(...ended.map(({ at }) => at - from))).toBeLessThanOrEqual(LONGEST);
});
