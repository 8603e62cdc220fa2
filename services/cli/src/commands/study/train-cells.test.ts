import { expect, test } from 'vitest';
import { inPool } from './train-cells.js';

test('as many jobs run at once as there are workers, in their order', async () => {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const all = inPool([0, 1, 2, 3], 2, async (job) => {
    begun.push(job);
    await new Promise<void>((resolve) => ends.push(resolve));
  });
  expect(begun).toEqual([0, 1]);
  while (ends.length > 0) {
    ends.shift()!();
    await new Promise(setImmediate);
  }
  await all;
  expect(begun).toEqual([0, 1, 2, 3]);
});

test('after a failure no other job begins, and those that have begun end first', async () => {
  const ended: string[] = [];
  const all = inPool(['bad', 'slow', 'never'], 2, async (job) => {
    await new Promise(setImmediate);
    if (job === 'bad') throw new Error('a job failed');
    await new Promise(setImmediate);
    ended.push(job);
  });
  await expect(all).rejects.toThrow('a job failed');
  expect(ended).toEqual(['slow']);
});
