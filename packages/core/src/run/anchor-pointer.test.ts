import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pointerKey, promote, readPointer, rollBack } from './anchor-pointer.js';
import { memoryStore } from './memory-store.js';
import type { Anchor } from './state.js';

const anchor = (generation: number, digit = `${generation}`): Anchor => ({
  generation,
  params: { key: `blobs/${generation}`, sha256: digit.repeat(64), bytes: 8 },
});

test('a promotion moves the pointer once, however often it is done and by however many', async () => {
  const store = memoryStore();
  await Promise.all(Array.from({ length: 8 }, (_, term) => promote(store, 'r', anchor(0), term + 1)));
  expect(await readPointer(store, 'r')).toMatchObject({ ...anchor(0), newest: 0, moves: 1 });
  await promote(store, 'r', anchor(1), 9);
  await promote(store, 'r', anchor(1), 9);
  expect(await readPointer(store, 'r')).toMatchObject({ ...anchor(1), newest: 1, moves: 2, term: 9 });
});

test('a promotion that comes too late is refused', async () => {
  const store = memoryStore();
  await promote(store, 'r', anchor(2), 1);
  await expect(promote(store, 'r', anchor(1), 1)).rejects.toMatchObject({ kind: 'out-of-step' });
});

test('another student of the same generation is refused', async () => {
  const store = memoryStore();
  await promote(store, 'r', anchor(0), 1);
  await expect(promote(store, 'r', anchor(0, 'f'), 1)).rejects.toMatchObject({ kind: 'corrupt' });
});

test('a rollback moves the pointer back once, and the next promotion goes on from the newest generation', async () => {
  const store = memoryStore();
  for (const generation of [0, 1, 2]) await promote(store, 'r', anchor(generation), 1);
  await rollBack(store, 'r', anchor(0), 1, 1);
  await rollBack(store, 'r', anchor(0), 1, 1);
  expect(await readPointer(store, 'r')).toMatchObject({ ...anchor(0), newest: 2, rollbacks: 1, moves: 4 });
  await promote(store, 'r', anchor(2), 1);
  expect(await readPointer(store, 'r')).toMatchObject({ generation: 0 });
  await promote(store, 'r', anchor(3), 1);
  expect(await readPointer(store, 'r')).toMatchObject({ ...anchor(3), newest: 3, rollbacks: 1, moves: 5 });
});

test('there is nothing to roll back before the first promotion', async () => {
  await expect(rollBack(memoryStore(), 'r', anchor(0), 1, 1)).rejects.toMatchObject({ kind: 'wrong-state' });
});

test('without rollbacks the pointer never goes back, whoever promotes what', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(5), { maxLength: 30 }), async (generations) => {
      const store = memoryStore();
      let last = -1;
      for (const generation of generations) {
        await promote(store, 'r', anchor(generation), 1).catch(() => undefined);
        const now = (await readPointer(store, 'r'))!;
        expect(now.generation).toBeGreaterThanOrEqual(last);
        expect(now.newest).toBe(now.generation);
        last = now.generation;
      }
    }),
  );
});

test('a pointer that cannot be read is refused by name', async () => {
  const store = memoryStore();
  await store.put(pointerKey('r'), Buffer.from('{"version":1}'));
  await expect(readPointer(store, 'r')).rejects.toMatchObject({ kind: 'corrupt' });
});
