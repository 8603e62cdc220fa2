import { expect, test } from 'vitest';
import { readAhead } from './read-ahead.js';

test('reads come in order, however long each takes, and at most some at once', async () => {
  const open = new Map<number, () => void>();
  let most = 0;
  const read = (name: number) =>
    new Promise<number>((resolve) => {
      open.set(name, () => {
        open.delete(name);
        resolve(10 * name);
      });
      most = Math.max(most, open.size);
      // The newest is over first.
      if (open.size === 3 || name === 5) for (const each of [...open.keys()].reverse()) open.get(each)?.();
    });
  const values: number[] = [];
  for await (const each of readAhead([0, 1, 2, 3, 4, 5], read, 3)) values.push(each());
  expect(values).toEqual([0, 10, 20, 30, 40, 50]);
  expect(most).toBe(3);
});

test('a read that fails does not end the others', async () => {
  const read = async (name: string) => {
    if (name === 'bad') throw new Error('damaged');
    return name;
  };
  const outcomes: string[] = [];
  for await (const each of readAhead(['a', 'bad', 'b'], read, 2)) {
    try {
      outcomes.push(each());
    } catch (error) {
      outcomes.push(String(error));
    }
  }
  expect(outcomes).toEqual(['a', 'Error: damaged', 'b']);
});
