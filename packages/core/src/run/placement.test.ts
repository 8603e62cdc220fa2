import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { Placement, PlacementRequest } from './placement.js';
import { firstState, type RunState } from './state.js';
import { createRun, loadRun, type SavedRun, saveRun } from './stored/run-store.js';

const at = (second: number) => `2026-01-02T03:04:0${second}.000Z`;
const { phase: _, ...fields } = firstState;
const preparing: RunState = { ...fields, phase: 'preparing' };
const paused: RunState = { ...fields, phase: 'paused' };

/** A run that has a trio. */
async function placedRun() {
  const store = memoryStore();
  const owner = { subject: 'ann', team: 'vision' };
  const run = await createRun(store, specFor('bare'), { at: at(1), owner, placement: { priority: 3, class: 'large' } });
  const placement = { ...run.placement, number: 1, trio: 'trio-1' };
  const placed = await saveRun(store, run, { state: preparing, placement, at: at(2) });
  return { store, owner, placed };
}

test('a run keeps its owner, its priority and its class, and has a trio from when it is placed', async () => {
  const { store, owner, placed } = await placedRun();
  const expected = { owner, placement: { priority: 3, class: 'large', number: 1, since: at(1), trio: 'trio-1' } };
  expect(placed).toMatchObject(expected);
  expect(await loadRun(store, 'trial')).toMatchObject(expected);
});

test('a run that loses its trio keeps its place in the queue', async () => {
  const { store, placed } = await placedRun();
  const { placement } = await saveRun(store, placed, { state: firstState, at: at(5) });
  expect(placement).toEqual({ priority: 3, class: 'large', number: 1, since: at(1) });
});

test('a run that was paused gives its trio up, and waits from when it is resumed', async () => {
  const { store, placed } = await placedRun();
  const resting: SavedRun = await saveRun(store, placed, { state: paused, at: at(5) });
  expect('trio' in resting.placement).toBe(false);
  const resumed = await saveRun(store, resting, { state: firstState, at: at(6) });
  expect(resumed.placement).toEqual({ priority: 3, class: 'large', number: 1, since: at(6) });
});

test.each([
  [PlacementRequest, { priority: 101 }],
  [PlacementRequest, { priority: 0.5 }],
  [PlacementRequest, { class: 'n'.repeat(64) }],
  [Placement, { priority: 0, number: -1 }],
])('a placement is checked: %#', (schema, placement) => {
  expect(schema.safeParse(placement).success).toBe(false);
});
