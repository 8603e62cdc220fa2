import { firstState } from '@trikd/core/run/state';
import { createRun, saveRun } from '@trikd/core/run/stored/run-store';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { viewer } from './viewer.js';

const never = new AbortController().signal;
const spec = { ...specFor('bare'), name: 'ended' };

async function stored() {
  const store = memoryStore();
  await saveRun(store, await createRun(store, spec), { state: { ...firstState, phase: 'cancelled' } });
  const page = { phaseChanged: { phase: 'RUN_PHASE_CANCELLED', attempt: 1 }, number: 7 };
  await store.put('events/ended/00000000-0000000000000007.jsonl', Buffer.from(`${JSON.stringify(page)}\n`));
  return viewer({ store, clock: virtualClock(), look: 1, watchersPerRun: 2 });
}

test('a viewer lists the runs of a store, and shows the events of one that has ended', async () => {
  const runs = await stored();
  const { runs: listed } = await runs.summaries({ size: 0, token: '', phases: [] });
  expect(listed.map(({ runId, phase }) => [runId, phase])).toEqual([['ended', 'cancelled']]);
  const numbers: number[] = [];
  for await (const { number } of runs.watch({ runId: 'ended', from: 1, pastOnly: false }, never)) numbers.push(number);
  expect(numbers).toEqual([0, 7]);
});

test('a viewer refuses every command', async () => {
  const runs = await stored();
  for (const command of [
    () => runs.create({ spec: { ...spec, name: 'other' } }),
    () => runs.steer('ended', { kind: 'paused' }),
    () => runs.tag('ended', { add: ['a'], remove: [] }),
    () => runs.remove('ended'),
  ]) {
    await expect(command()).rejects.toMatchObject({ kind: 'wrong-state' });
  }
});
