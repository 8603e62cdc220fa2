import { createCandidate } from '@trikd/core/run/stored/lease';
import { createRun, saveRun } from '@trikd/core/run/stored/run-store';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { beforeEach, expect, test } from 'vitest';
import { collect } from './gc.js';
import type { OpenRun } from './open-run.js';
import { spec } from './testing/stored-run.js';

const leftover = 'runs/r/blobs/0.1/left';
const inFlight = 'runs/r/blobs/0.2/on-its-way';
let run: OpenRun;

beforeEach(async () => {
  const store = memoryStore();
  const first = await createRun(store, spec);
  run = { ...(await saveRun(store, first, { state: { ...first.state, attempt: 2 } })), store };
  await store.put(leftover, Buffer.from('12345'));
  await store.put(inFlight, Buffer.from('1'));
});

test('what attempts that are over have left is removed, and the rest stays', async () => {
  expect(await collect(run, false, virtualClock())).toEqual({ runId: 'r', removed: [leftover], bytes: 5 });
  expect(await run.store.list('runs/r/blobs/')).toEqual([inFlight]);
});

test('a dry run says what would go, and removes nothing', async () => {
  expect(await collect(run, true, virtualClock())).toEqual({ runId: 'r', removed: [leftover], bytes: 5 });
  expect(await run.store.list('runs/r/blobs/')).toEqual([leftover, inFlight]);
});

test('while an orchestrator leads, nothing is removed', async () => {
  const clock = virtualClock();
  const candidate = createCandidate({ store: run.store, clock, holder: 'orchestrator', seconds: 5 });
  await candidate.campaign(new AbortController().signal);
  const refused = expect(collect(run, false, clock)).rejects.toMatchObject({ kind: 'wrong-state' });
  await clock.advance(20_000);
  await refused;
  expect(await run.store.list('runs/r/blobs/')).toHaveLength(2);
});

test('an orchestrator that was killed is waited for no longer than its lease', async () => {
  const clock = virtualClock();
  const dead = { ...run.store, replace: () => new Promise<never>(() => undefined) };
  const candidate = createCandidate({ store: dead, clock, holder: 'orchestrator', seconds: 5 });
  await candidate.campaign(new AbortController().signal);
  const collected = collect(run, false, clock);
  await clock.advance(7000);
  expect((await collected).removed).toEqual([leftover]);
});
