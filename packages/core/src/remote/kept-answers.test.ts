import { memoryStore } from '@trikd/testing/stores/memory-store';
import { describe, expect, test } from 'vitest';
import type { ObjectStore } from '../domain/object-store.js';
import { answerPageKey, type KeptAnswersParts, keptAnswers } from './kept-answers.js';

const TOTAL_STEPS = 30;
const batchOf = (step: number) => ({
  step,
  images: new Uint8Array(0),
  labels: new Int32Array(0),
  digest: `batch-${step}`,
});

/** A process that reads the answers of a model, which says something else each time that it is asked. */
function open(store: ObjectStore, said = { times: 0 }, changes: Partial<KeptAnswersParts> = {}) {
  const asked: number[] = [];
  const answers = keptAnswers({
    store,
    runId: 'r',
    stage: 1,
    participant: 'teacher',
    ...{ rows: 1, classes: 2, totalSteps: TOTAL_STEPS },
    batchOf,
    ask: async ({ step }) => {
      asked.push(step);
      said.times += 1;
      return Float32Array.of(step, said.times);
    },
    ...changes,
  });
  const all = async (from: number, until = TOTAL_STEPS) => {
    const found = [];
    for (let step = from; step < until; step++) found.push(await answers.answer(step));
    await answers.idle();
    return found;
  };
  return { answers, asked, all };
}

const keyOf = (firstStep: number) => answerPageKey('r', 1, 'teacher', firstStep);

describe('answers that are kept', () => {
  test('are those of the first time, for each process that starts again from any step, and nobody is asked again', async () => {
    const [store, said] = [memoryStore(), { times: 0 }];
    const first = open(store, said);
    const given = await first.all(0);
    expect(given.map(({ batchDigest, logits }) => [batchDigest, logits[0]])).toEqual(
      given.map((_, step) => [`batch-${step}`, step]),
    );
    expect(first.asked.toSorted((a, b) => a - b)).toEqual([...Array(TOTAL_STEPS).keys()]);
    for (const from of [0, 13, 29]) {
      const again = open(store, said);
      expect(await again.all(from)).toEqual(given.slice(from));
      expect(again.asked).toEqual([]);
    }
  });

  test('are written before they are given', async () => {
    const store = memoryStore();
    await open(store).answers.answer(3);
    expect(await store.size(keyOf(0))).toBeGreaterThan(0);
  });

  test('are those of the other process where two ask at the same time', async () => {
    const [store, said] = [memoryStore(), { times: 0 }];
    const both = await Promise.all([open(store, said).all(0), open(store, said).all(0)]);
    expect(said.times).toBe(2 * TOTAL_STEPS);
    expect(both[0]).toEqual(both[1]);
  });

  test('are fetched one page ahead, and no further', async () => {
    const { answers, asked } = open(memoryStore());
    await answers.answer(0);
    await answers.idle();
    expect(Math.max(...asked)).toBe(15);
  });

  test('are asked for again after a failure', async () => {
    let failures = 1;
    const { answers } = open(memoryStore(), undefined, {
      ask: async ({ step }) => {
        failures -= 1;
        if (failures >= 0) throw new Error('away');
        return Float32Array.of(step, 0);
      },
    });
    await expect(answers.answer(0)).rejects.toThrow('away');
    expect((await answers.answer(1)).logits[0]).toBe(1);
  });

  test('are refused when a bit has changed, or when they are those of other steps', async () => {
    const store = memoryStore();
    await open(store).all(0);
    const { bytes } = (await store.get(keyOf(0)))!;
    await store.put(keyOf(8), bytes);
    const changed = Uint8Array.from(bytes);
    changed[changed.length - 1]! ^= 1;
    await store.put(keyOf(0), changed);
    await store.put(keyOf(16), new Uint8Array(1_000_000));
    const { answers } = open(store);
    for (const step of [0, 8, 16]) await expect(answers.answer(step)).rejects.toMatchObject({ kind: 'corrupt' });
  });

  test('are all that is read without a model', async () => {
    const store = memoryStore();
    await open(store).all(0, 8);
    const { ask: _, ...reading } = { ask: undefined, ...{ store, runId: 'r', stage: 1, participant: 'teacher' } };
    const answers = keptAnswers({ ...reading, ...{ rows: 1, classes: 2, totalSteps: TOTAL_STEPS }, batchOf });
    expect((await answers.answer(7)).logits[0]).toBe(7);
    await expect(answers.answer(20)).rejects.toMatchObject({ kind: 'not-found' });
  });
});
