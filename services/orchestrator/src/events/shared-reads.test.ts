import { expect, test } from 'vitest';
import { createSharedReads } from './shared-reads.js';

/** Reads that the test answers, in order. */
function readsOf() {
  const begun: { readonly name: string; readonly answer: PromiseWithResolvers<number> }[] = [];
  const reads = createSharedReads((name) => {
    const answer = Promise.withResolvers<number>();
    begun.push({ name, answer });
    return answer.promise;
  });
  return { begun, reads };
}

test('a hundred calls during a read share the one that follows it, and none gets what is older than its call', async () => {
  const { begun, reads } = readsOf();
  const first = reads.fresh('r');
  const others = Array.from({ length: 100 }, () => reads.fresh('r'));
  expect(begun).toHaveLength(1);
  begun[0]!.answer.resolve(1);
  expect(await first).toBe(1);
  await Promise.resolve();
  expect(begun).toHaveLength(2);
  begun[1]!.answer.resolve(2);
  expect(await Promise.all(others)).toEqual(Array.from({ length: 100 }, () => 2));
  void reads.fresh('r');
  expect(begun).toHaveLength(3);
});

test('reads of different names do not wait for each other', () => {
  const { begun, reads } = readsOf();
  void reads.fresh('a');
  void reads.fresh('b');
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b']);
});

test('a read that fails is reported to those who share it, and the next one is begun', async () => {
  const { begun, reads } = readsOf();
  const [first, second] = [reads.fresh('r'), reads.fresh('r')];
  begun[0]!.answer.reject(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await Promise.resolve();
  begun[1]!.answer.resolve(2);
  expect(await second).toBe(2);
});
