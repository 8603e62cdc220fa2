import { createLogger } from '@trikd/process/logging';
import { NO_TELEMETRY, type Telemetry } from '@trikd/telemetry/telemetry';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, expect, test, vi } from 'vitest';
import { cleanUp, heldUntilLimited, serve, specOf, trio } from './orchestrator-rig.js';
import { LONG } from './steering-rig.js';

afterEach(cleanUp);

const silent = createLogger({ level: 'silent' }, 'orchestrator');

/** Telemetry that keeps the newest value of each metric, and how often it was recorded. */
function kept() {
  const [newest, times]: Map<string, number>[] = [new Map(), new Map()] as const;
  const telemetry: Telemetry = {
    ...NO_TELEMETRY,
    record(metric, value, attributes = {}) {
      const name = [metric, ...Object.values(attributes)].join(' ');
      newest.set(name, value);
      times.set(name, (times.get(name) ?? 0) + 1);
    },
  };
  return { newest, times, telemetry };
}

const QUEUED = 'trikd.runs.queued WaitingForTrio normal';

test('the leader shows runs and trios, one that follows shows nothing, and one that has stopped shows that it has none', async () => {
  const store = memoryStore();
  const held = heldUntilLimited(1, 5);
  const models = await trio(store, held);
  const [one, other] = [kept(), kept()];
  const leader = await serve(store, models, undefined, silent, {}, {}, one.telemetry);
  for (const name of ['a', 'b', 'c']) await leader.create(specOf({ ...LONG, name }));
  await held.reached;
  const follower = await serve(store, models, undefined, silent, {}, {}, other.telemetry);
  const shown = [QUEUED, 'trikd.runs.placed', 'trikd.training', 'trikd.trios taken', 'trikd.trios ready'];
  await vi.waitFor(() => expect(shown.map((name) => one.newest.get(name))).toEqual([2, 1, 1, 1, 0]), 5000);
  expect(other.newest.get(QUEUED)).toBeUndefined();
  await leader.stop();
  expect(shown.map((name) => one.newest.get(name))).toEqual([0, 0, 0, 0, 0]);
  for (const name of ['a', 'b', 'c']) await follower.watch(name);
  await vi.waitFor(() => expect(other.newest.get('trikd.trios ready')).toBe(1), 5000);
  expect([other.newest.get(QUEUED), other.newest.get('trikd.runs.placed')]).toEqual([0, 0]);
  const waits = [one, other].map(({ times }) => times.get('trikd.queue.wait normal') ?? 0);
  expect(waits[0]! + waits[1]!).toBe(3);
});

test('a run whose trio drains is counted with the reason', async () => {
  const store = memoryStore();
  const held = heldUntilLimited(1, 5);
  const [first, second] = [await trio(store, held), await trio(store)];
  const { newest, telemetry } = kept();
  const served = await serve(store, [first, second], undefined, silent, {}, {}, telemetry);
  await served.create(specOf({ ...LONG, name: 'moves' }));
  await held.reached;
  first.student.health('NOT_SERVING');
  await served.watch('moves');
  expect(newest.get('trikd.displacements trio-draining')).toBe(1);
});
