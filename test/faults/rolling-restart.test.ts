import { loadRun } from '@trikd/core/run/run-store';
import { expect, test } from 'vitest';
import type { ClusterEvent } from './cluster.js';
import { digestsOf, referenceDigests } from './digests.js';
import { followRun } from './follow-run.js';
import { INTERVAL, specOf, startTrio } from './trio.js';

type Ended = ClusterEvent & { readonly kind: 'ended' };

test('a rolling restart in each generation drains every service in 10 s and changes no bit', async () => {
  const trio = await startTrio('folder');
  const spec = specOf('rolled', trio.data);
  const expected = await referenceDigests(spec);
  const following = followRun(
    trio.orchestrators.map(({ address }) => address),
    spec,
  );
  const story: { service: string; drain: number; replayed: number }[] = [];
  for (const generation of [0, 1]) {
    for (const service of trio.services) {
      const before = await trio.steps.next((step) => step.generation === generation && step.step % INTERVAL > 8);
      const attempts = trio.steps.replays(spec.name).length;
      const isEnd = (event: ClusterEvent): event is Ended => event.kind === 'ended' && event.service === service.name;
      const ended = trio.until(isEnd);
      const from = performance.now();
      service.signal('SIGTERM');
      const { at, code } = await ended;
      expect(code).toBe(0);
      await service.listening();
      await trio.steps.next((step) => step.generation > generation || step.attempt >= before.attempt);
      const replays = trio.steps.replays(spec.name).slice(attempts);
      story.push({
        service: service.name,
        drain: at - from,
        replayed: Math.max(0, ...replays.map(({ steps }) => steps)),
      });
    }
  }
  await following;
  const { state } = await loadRun(await trio.openStore(), spec.name);
  const rows = story.map(
    ({ service, drain, replayed }) => `${service} ${(drain / 1000).toFixed(2)} s, ${replayed} steps`,
  );
  console.log(`each service drained and started again, steps trained twice: ${rows.join('; ')}`);
  expect(digestsOf(state.results)).toBe(expected);
  expect(Math.max(...story.map(({ drain }) => drain))).toBeLessThanOrEqual(10_000);
  const trainers = story.filter(({ service }) => service.endsWith('-trainer'));
  expect(trainers.map(({ replayed }) => replayed)).toEqual([0, 0, 0, 0]);
});
