import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type QueueEntry, type QueueRules, schedule } from './queue.js';

const at = (second: number) => new Date(1000 * second).toISOString();
const open: QueueRules = { capacity: 2, quotaOf: () => undefined, preemption: 'never' };
const entry = (runId: string, since: number, change: Partial<QueueEntry> = {}): QueueEntry => ({
  ...{ runId, priority: 0, since: at(since), standing: 'queued' },
  ...change,
});

test('runs are placed in the order of priority, of waiting, and of their names', () => {
  const entries = [entry('late', 9), entry('b', 5), entry('a', 5), entry('urgent', 20, { priority: 1 })];
  const { place, waits } = schedule(entries, { ...open, capacity: 3 });
  expect(place).toEqual(['urgent', 'a', 'b']);
  expect(waits.get('late')).toEqual({
    ...{ position: 4, length: 4, reason: 'WaitingForTrio', message: 'position 4 of 4: all 3 trios are taken' },
  });
});

test('a run whose owner has reached the quota lets the next one pass', () => {
  const placed = entry('x', 0, { owner: 'vision', standing: 'placed' });
  const entries = [placed, entry('a', 1, { owner: 'vision' }), entry('b', 2, { owner: 'speech' })];
  const { place, waits } = schedule(entries, { ...open, quotaOf: () => 1 });
  expect(place).toEqual(['b']);
  expect(waits.get('a')).toMatchObject({
    reason: 'QuotaWait',
    message: 'position 1 of 2: vision has as many runs placed as its quota allows: 1',
  });
});

test('a run with a higher priority takes the trio of the run that came last among those of the lowest one', () => {
  const placed = [entry('early', 1, { standing: 'placed' }), entry('late', 2, { standing: 'placed' })];
  const entries = [...placed, entry('urgent', 3, { priority: 5 })];
  const rules: QueueRules = { ...open, preemption: 'lower-priority' };
  const { preempt, waits } = schedule(entries, rules);
  expect(preempt).toEqual(['late']);
  expect(waits.get('urgent')?.message).toBe('position 1 of 1: run late gives its trio up');
  const leaving = entries.map((each) => (each.runId === 'late' ? { ...each, standing: 'leaving' as const } : each));
  expect(schedule(leaving, rules)).toMatchObject({ place: [], preempt: [] });
  expect(schedule(entries, open).preempt).toEqual([]);
});

test('a run that is held back keeps its position, and takes no trio from the next one', () => {
  const { place, waits } = schedule([entry('a', 1, { heldBack: 'its state cannot be read' }), entry('b', 2)], open);
  expect(place).toEqual(['b']);
  expect(waits.get('a')?.message).toBe('position 1 of 2: its state cannot be read');
});

describe('whatever the queue', () => {
  const OWNERS = [undefined, 'ann', 'bob'];
  const anyEntries = fc
    .array(
      fc.record({
        priority: fc.integer({ min: -2, max: 2 }),
        since: fc.integer({ min: 0, max: 5 }),
        owner: fc.constantFrom(...OWNERS),
        standing: fc.constantFrom<QueueEntry['standing']>('queued', 'queued', 'placed', 'leaving'),
      }),
      { maxLength: 12 },
    )
    .map((all) =>
      all.map(({ since, owner, ...rest }, index) => entry(`run-${index}`, since, { ...rest, ...(owner && { owner }) })),
    );
  const anyRules = fc.record({
    capacity: fc.nat(8),
    quota: fc.nat(4),
    preemption: fc.constantFrom<QueueRules['preemption']>('never', 'lower-priority'),
  });
  const rulesOf = ({
    capacity,
    quota,
    preemption,
  }: {
    capacity: number;
    quota: number;
    preemption: QueueRules['preemption'];
  }): QueueRules => ({
    ...{ capacity, preemption },
    quotaOf: (owner) => (owner === 'ann' ? quota : undefined),
  });
  const holds = ({ standing }: QueueEntry) => standing !== 'queued';
  const placedOf = (entries: readonly QueueEntry[], owner: string) =>
    entries.filter((each) => holds(each) && each.owner === owner).length;
  /** The entries after a schedule was carried out. */
  const after = (entries: readonly QueueEntry[], rules: QueueRules): readonly QueueEntry[] => {
    const { place, preempt } = schedule(entries, rules);
    return entries.map((each) => {
      if (place.includes(each.runId)) return { ...each, standing: 'placed' };
      return preempt.includes(each.runId) ? { ...each, standing: 'queued' } : each;
    });
  };
  const isBefore = (a: QueueEntry, b: QueueEntry) =>
    a.priority !== b.priority ? a.priority > b.priority : `${a.since} ${a.runId}` < `${b.since} ${b.runId}`;

  test('no more runs are placed than there is room for, and no owner gets more than the quota', () => {
    fc.assert(
      fc.property(anyEntries, anyRules, (entries, drawn) => {
        const rules = rulesOf(drawn);
        const { place } = schedule(entries, rules);
        const held = entries.filter(holds).length;
        expect(place.length).toBeLessThanOrEqual(Math.max(0, rules.capacity - held));
        expect(new Set(place).size).toBe(place.length);
        const placed = entries.map((each) =>
          place.includes(each.runId) ? { ...each, standing: 'placed' as const } : each,
        );
        expect(placedOf(placed, 'ann')).toBeLessThanOrEqual(Math.max(drawn.quota, placedOf(entries, 'ann')));
      }),
    );
  });

  test('no run is overtaken but by one of a higher priority, or while its owner has reached the quota', () => {
    fc.assert(
      fc.property(anyEntries, anyRules, (entries, drawn) => {
        const { place, waits } = schedule(entries, rulesOf(drawn));
        const queued = entries.filter((each) => !holds(each));
        for (const overtaken of queued.filter(({ runId }) => !place.includes(runId))) {
          const passed = queued.some((each) => place.includes(each.runId) && isBefore(overtaken, each));
          if (passed) expect(waits.get(overtaken.runId)?.reason).toBe('QuotaWait');
        }
      }),
    );
  });

  test('each queued run has its own position, and the order in which runs are listed changes nothing', () => {
    fc.assert(
      fc.property(anyEntries, anyRules, (entries, drawn) => {
        const found = schedule(entries, rulesOf(drawn));
        const positions = [...found.waits.values()].map(({ position }) => position).toSorted((a, b) => a - b);
        expect(positions).toEqual(positions.map((_, index) => index + 1));
        expect(found.waits.size).toBe(entries.filter((each) => !holds(each)).length);
        expect(schedule(entries.toReversed(), rulesOf(drawn))).toEqual(found);
      }),
    );
  });

  test('a run is preempted only for one with a higher priority, which then gets the trio', () => {
    fc.assert(
      fc.property(anyEntries, anyRules, (entries, drawn) => {
        // More runs than trios, as after the loss of a trio, is settled by the loss.
        const rules = rulesOf({ ...drawn, capacity: Math.max(drawn.capacity, entries.filter(holds).length) });
        const { preempt, place } = schedule(entries, rules);
        const least = Math.min(
          ...entries.filter(({ runId }) => preempt.includes(runId)).map(({ priority }) => priority),
        );
        const waiting = entries.filter((each) => !holds(each) && !place.includes(each.runId));
        if (preempt.length > 0) expect(waiting.some(({ priority }) => priority > least)).toBe(true);
        if (rules.preemption === 'never') expect(preempt).toEqual([]);
        const second = after(entries, rules);
        const third = schedule(second, rules);
        if (preempt.length > 0) expect(third.place.length).toBeGreaterThanOrEqual(preempt.length);
        for (const runId of third.place) expect(preempt).not.toContain(runId);
        expect(schedule(after(second, rules), rules).preempt).toEqual([]);
      }),
    );
  });

  test('a run that waits is placed when as many runs have ended as were before it, however many come later', () => {
    fc.assert(
      fc.property(fc.nat(10), fc.integer({ min: 1, max: 3 }), fc.nat(3), (ahead, capacity, arrivals) => {
        let entries: readonly QueueEntry[] = Array.from({ length: ahead }, (_, index) => entry(`old-${index}`, index));
        entries = [...entries, entry('mine', ahead)];
        let next = ahead;
        for (let round = 0; round <= ahead; round += 1) {
          entries = after(entries, { ...open, capacity });
          if (entries.some(({ runId, standing }) => runId === 'mine' && standing === 'placed')) return;
          const [ended] = entries.filter(holds);
          entries = entries.filter((each) => each !== ended);
          for (const last = next + arrivals; next < last; next += 1)
            entries = [...entries, entry(`new-${next}`, next + 1)];
        }
        throw new Error('it was never placed');
      }),
    );
  });
});
