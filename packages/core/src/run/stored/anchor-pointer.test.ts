import { memoryStore } from '@trikd/testing/stores/memory-store';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { otherVersion, sealJson } from '../../checkpoint/json.js';
import { type Anchor, type AnchorMove, firstState, type StageResult } from '../state.js';
import { pointAsStated, pointByHand, pointerKey, promote, readPointer } from './anchor-pointer.js';

const anchor = (stage: number, digit = `${stage}`): Anchor => ({
  stage,
  params: { key: `blobs/${stage}`, sha256: digit.repeat(64), bytes: 8 },
});

test('a promotion moves the pointer once, however often and by however many processes it is repeated', async () => {
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

test('the pointer moves to the new key of a student that was trained again', async () => {
  const store = memoryStore();
  await promote(store, 'r', anchor(0), 1);
  const again: Anchor = { stage: 0, params: { ...anchor(0).params, key: 'blobs/0-again' } };
  for (const term of [2, 2]) await promote(store, 'r', again, term);
  expect(await readPointer(store, 'r')).toMatchObject({ ...again, newest: 0, moves: 2, term: 2 });
});

test('another student of the same stage is refused', async () => {
  const store = memoryStore();
  await promote(store, 'r', anchor(0), 1);
  await expect(promote(store, 'r', anchor(0, 'f'), 1)).rejects.toMatchObject({ kind: 'corrupt' });
});

test('a rollback moves the pointer back once, and the next promotion continues from the newest generation', async () => {
  const store = memoryStore();
  for (const stage of [0, 1, 2]) await promote(store, 'r', anchor(stage), 1);
  await pointByHand(store, 'r', anchor(0), 1, 1);
  await pointByHand(store, 'r', anchor(0), 1, 1);
  expect(await readPointer(store, 'r')).toMatchObject({ ...anchor(0), newest: 2, rollbacks: 1, moves: 4 });
  await promote(store, 'r', anchor(2), 1);
  expect(await readPointer(store, 'r')).toMatchObject({ stage: 0 });
  await promote(store, 'r', anchor(3), 1);
  expect(await readPointer(store, 'r')).toMatchObject({ ...anchor(3), newest: 3, rollbacks: 1, moves: 5 });
});

test('the pointer is moved by hand where the rule promoted no student', async () => {
  const store = memoryStore();
  await pointByHand(store, 'r', anchor(0), 1, 1);
  await pointByHand(store, 'r', anchor(0), 1, 1);
  expect(await readPointer(store, 'r')).toMatchObject({ ...anchor(0), rollbacks: 1, moves: 1 });
});

test('without rollbacks the pointer never goes back, whatever is promoted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(5), { maxLength: 30 }), async (stages) => {
      const store = memoryStore();
      let last = -1;
      for (const stage of stages) {
        await promote(store, 'r', anchor(stage), 1).catch(() => undefined);
        const now = (await readPointer(store, 'r'))!;
        expect(now.stage).toBeGreaterThanOrEqual(last);
        expect(now.newest).toBe(now.stage);
        last = now.stage;
      }
    }),
  );
});

const byRule = (to: number): AnchorMove => ({ by: 'rule', to, during: to });
const byHand = (by: AnchorMove['by'], during: number): AnchorMove => ({ by, to: 0, during });

test.each([
  ['the last promotion', [byRule(0), byRule(1), byRule(2)], 2],
  ['the rollback after it', [byRule(0), byRule(1), byRule(2), byHand('rollback', 3)], 0],
  ['the override after it', [byRule(0), byRule(1), byRule(2), byHand('override', 3)], 0],
  ['the last promotion, though a rollback came before it', [byRule(0), byHand('rollback', 2), byRule(2)], 2],
])('a pointer that was lost is written anew from the state: %s', async (_what, moves, stage) => {
  const store = memoryStore();
  const results = [0, 1, 2].map(resultOf);
  await pointAsStated(store, 'r', { ...firstState, stage: 3, results, moves }, 5);
  const pointer = await readPointer(store, 'r');
  expect(pointer).toMatchObject({ ...anchor(stage), newest: 2, term: 5 });
  await pointAsStated(store, 'r', { ...firstState, stage: 3, results, moves }, 6);
  expect(await readPointer(store, 'r')).toEqual(pointer);
});

/** Of a generation whose student was promoted. */
function resultOf(stage: number): StageResult {
  const best = {
    step: 1,
    validation: { metrics: { accuracy: 0.5, nll: 1 }, examples: 8 },
    params: anchor(stage).params,
  };
  const pair = { step: 1, manifestKey: 'pair' };
  const learner = { best, stateSha256: 'a'.repeat(64) };
  const learners = { student: learner, teacher: learner };
  return { stage, steps: 1, learners, candidate: 'student', promoted: true, pair };
}

test('a pointer of another version is refused with the version that is read', async () => {
  const store = memoryStore();
  await promote(store, 'r', anchor(0), 1);
  const pointer = await readPointer(store, 'r');
  await store.put(pointerKey('r'), sealJson({ ...pointer, version: 1 }));
  await expect(readPointer(store, 'r')).rejects.toMatchObject({
    kind: 'corrupt',
    message: otherVersion(pointerKey('r'), 1, 2),
  });
});

test('a pointer that cannot be read is refused by name', async () => {
  const store = memoryStore();
  await store.put(pointerKey('r'), Buffer.from('{"version":2}'));
  await expect(readPointer(store, 'r')).rejects.toMatchObject({ kind: 'corrupt' });
});
