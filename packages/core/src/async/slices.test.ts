import { expect, test } from 'vitest';
import { atOnce, inSlices, type Sliced } from './slices.js';

/** Counts to `steps`, each of which takes `ms`. */
function counting(steps: number, ms = 0) {
  let time = 0;
  let turns = 0;
  function* count(): Sliced<number> {
    for (let step = 0; step < steps; step++) {
      time += ms;
      yield;
    }
    return steps;
  }
  const pauses = {
    now: () => time,
    turn: () => {
      turns++;
      return Promise.resolve();
    },
  };
  return { work: count(), pauses, turns: () => turns };
}

test('a computation gives the same result at once and in slices', async () => {
  expect(atOnce(counting(7).work)).toBe(7);
  const { work, pauses } = counting(7, 4);
  expect(await inSlices(work, pauses)).toBe(7);
});

test('other work gets a turn every 10 ms', async () => {
  const { work, pauses, turns } = counting(100, 2);
  await inSlices(work, pauses);
  expect(turns()).toBe(20);
});
