import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { expect, test } from 'vitest';
import { type BatcherSettings, createBatcher, type Slice } from './batcher.js';

type Batch = readonly Slice<string>[];

/** A lane whose batches end when the test says so. */
function lane() {
  const batches: { readonly slices: Batch; readonly end: () => void; readonly fail: (error: Error) => void }[] = [];
  const compute = (slices: Batch) =>
    new Promise<string[]>((resolve, reject) => {
      const end = () => resolve(slices.map(({ input, first, rows }) => `${input}${first}+${rows}`));
      batches.push({ slices, end, fail: reject });
    });
  return { batches, compute };
}

function batcherOf(changes: Partial<BatcherSettings<string, string>> = {}) {
  const own = lane();
  const clock = virtualClock();
  const settings = { lanes: [own.compute], maxRows: 4, delayMs: 0, queueRows: 10, clock };
  return { ...own, clock, batcher: createBatcher<string, string>({ ...settings, ...changes }) };
}

const textOf = (slices: Batch) => slices.map(({ input, first, rows }) => `${input}${first}+${rows}`).join(' ');

test('rows that come while a batch is computed are computed together, a request in parts if it must', async () => {
  const { batches, batcher } = batcherOf();
  const all = Promise.all([batcher.compute('a', 1), batcher.compute('b', 3), batcher.compute('c', 6)]);
  for (const count of [1, 2, 3, 4]) {
    await expect.poll(() => batches.length).toBe(count);
    batches[count - 1]!.end();
  }
  expect(await all).toEqual([['a0+1'], ['b0+3'], ['c0+1', 'c1+4', 'c5+1']]);
  expect(batches.map(({ slices }) => textOf(slices))).toEqual(['a0+1', 'b0+3 c0+1', 'c1+4', 'c5+1']);
});

test('a batch waits for more rows as long as the delay, and no longer once it is full', async () => {
  const { batches, batcher, clock } = batcherOf({ delayMs: 5 });
  void batcher.compute('a', 1);
  await clock.advance(4);
  expect(batches).toHaveLength(0);
  await clock.advance(1);
  expect(batches.map(({ slices }) => textOf(slices))).toEqual(['a0+1']);
  batches[0]!.end();
  await batcher.idle();
  void batcher.compute('b', 2);
  void batcher.compute('c', 2);
  expect(textOf(batches[1]!.slices)).toBe('b0+2 c0+2');
});

test('parts that two lanes compute come back in the order of the rows', async () => {
  const [one, two] = [lane(), lane()];
  const { batcher } = batcherOf({ lanes: [one.compute, two.compute] });
  const outputs = batcher.compute('a', 8);
  expect(two.batches.concat(one.batches).map(({ slices }) => textOf(slices))).toEqual(['a0+4', 'a4+4']);
  one.batches[0]!.end();
  await Promise.resolve();
  two.batches[0]!.end();
  expect(await outputs).toEqual(['a0+4', 'a4+4']);
});

test('a request that is given up leaves the queue, and its rows count no more', async () => {
  const { batches, batcher } = batcherOf();
  void batcher.compute('a', 4);
  const caller = new AbortController();
  const given = batcher.compute('b', 9, caller.signal);
  await expect(batcher.compute('c', 2)).rejects.toMatchObject({
    kind: 'exhausted',
    message: 'serving.queueRows allows 10 rows that wait, and 9 do: retry later',
  });
  caller.abort(new Error('left'));
  await expect(given).rejects.toThrow('left');
  const next = batcher.compute('c', 2);
  batches[0]!.end();
  await expect.poll(() => batches.length).toBe(2);
  batches[1]!.end();
  expect(await next).toEqual(['c0+2']);
});

test('a batch that fails fails its requests, and the next is computed', async () => {
  const { batches, batcher } = batcherOf();
  const first = batcher.compute('a', 6);
  batches[0]!.fail(new Error('no memory'));
  await expect(first).rejects.toThrow('no memory');
  const next = batcher.compute('b', 1);
  expect(textOf(batches[1]!.slices)).toBe('b0+1');
  batches[1]!.end();
  expect(await next).toEqual(['b0+1']);
});
