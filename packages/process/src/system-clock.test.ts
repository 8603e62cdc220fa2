import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chained, MAX_TIMER_MS, systemClock } from './system-clock.js';

describe('the clock of the process', () => {
  test('sleeps longer than a timer of Node.js can wait, until it is aborted', async () => {
    const abort = new AbortController();
    const month = systemClock.sleep(30 * 24 * 60 * 60 * 1000, abort.signal).then(() => 'woke');
    const soon = systemClock.sleep(20).then(() => 'asleep');
    expect(await Promise.race([month, soon])).toBe('asleep');
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(month).rejects.toBe(reason);
  });

  test('waits as long as it is asked, in parts that a timer can wait for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 100 * MAX_TIMER_MS, noNaN: true }), async (ms) => {
        const parts: number[] = [];
        await chained(async (part) => void parts.push(part))(ms, undefined);
        expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(ms);
        expect(Math.max(...parts)).toBeLessThanOrEqual(MAX_TIMER_MS);
      }),
    );
  });
});
