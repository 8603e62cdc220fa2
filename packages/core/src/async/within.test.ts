import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { expect, test } from 'vitest';
import { within } from './within.js';

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
