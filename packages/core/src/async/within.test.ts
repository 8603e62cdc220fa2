import { getEventListeners } from 'node:events';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { describe, expect, test } from 'vitest';
import { orAborted, within } from './within.js';

describe('or aborted', () => {
  const never = new Promise<never>(() => {});
  const reason = new Error('given up');

  describe('orAborted', () => {
    test('is the promise while nothing aborts, and leaves nothing on the signal', async () => {
      const { signal } = new AbortController();
      await expect(orAborted(Promise.resolve(7), signal)).resolves.toBe(7);
      await expect(orAborted(Promise.reject(reason), signal)).rejects.toBe(reason);
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });

    test('rejects with the reason when the signal aborts, before or meanwhile', async () => {
      await expect(orAborted(never, AbortSignal.abort(reason))).rejects.toBe(reason);
      const abort = new AbortController();
      const waiting = orAborted(never, abort.signal);
      abort.abort(reason);
      await expect(waiting).rejects.toBe(reason);
    });
  });
});

describe('within', () => {
  const never = new Promise<number>(() => {});

  test('is the value of work that is done in time, and leaves no timer behind', async () => {
    const clock = virtualClock();
    expect(await within(Promise.resolve(7), 5, clock)).toBe(7);
    expect(clock.sleepers).toBe(0);
  });

  test('is undefined once the time is up', async () => {
    const clock = virtualClock();
    const result = within(never, 5, clock);
    await clock.advance(5000);
    expect(await result).toBeUndefined();
  });

  test('throws the failure of work that fails in time', async () => {
    await expect(within(Promise.reject(new Error('early')), 5, virtualClock())).rejects.toThrow('early');
  });
});
