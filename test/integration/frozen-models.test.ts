import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { numberAnchor, paramsOf } from '@trikd/testing/toy-model/number-model';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { listenTo } from './exchange-rig.js';
import { type AnchorUnderTest, agreement, attempt, openAnchorServer } from './trio-rig.js';

const model = { kind: 'plain-cnn' as const, channels: [4] };
const from = (participant: string) => ({ kind: 'distillation' as const, from: participant });

/** Its second stage has two frozen models, of which the student hears both, and the teacher one. */
const spec = RunSpec.parse({
  name: 'r',
  data: { kind: 'synthetic' },
  batchSize: 16,
  epochs: 2,
  stages: [
    { name: 'first', learners: { large: { model }, small: { model } } },
    {
      name: 'second',
      learners: {
        student: { model, objective: [from('large'), from('small')] },
        teacher: { model, objective: [from('small')] },
      },
      frozen: {
        large: { stage: 'first', participant: 'large' },
        small: { stage: 'first', participant: 'small' },
      },
    },
  ],
});
const start = { ...attempt, stage: 1, step: 0 };
const store = memoryStore();
let anchor: AnchorUnderTest;
let open = 0;

beforeEach(async () => {
  open = 0;
  const openFrozen: ReturnType<typeof numberAnchor> = (...given) => {
    open += 1;
    return numberAnchor(() => {
      open -= 1;
    })(...given);
  };
  anchor = await openAnchorServer(store, openFrozen);
  onTestFinished(() => anchor.close());
});

const paramsIn = (value: number) => saveParams(store, blobsFolder(attempt), paramsOf(value));

const hear = async (producer: string, consumer: 'student' | 'teacher') =>
  listenTo(anchor.address, { producer, consumer, from: start, agreement: await agreement(spec) });

describe('an anchor-server with two frozen models', () => {
  test('scores each, and sends each consumer the frames of the one that it names', async () => {
    const params = { large: await paramsIn(100), small: await paramsIn(200) };
    const { scores } = await anchor.loadFrozen(start, params, spec);
    expect(scores).toMatchObject([
      { participant: 'large', validation: { metrics: { nll: 100 } } },
      { participant: 'small', validation: { metrics: { nll: 200 } } },
    ]);
    expect((await anchor.get()).frozen.map(({ participant }) => participant)).toEqual(['large', 'small']);
    const streams = [await hear('large', 'student'), await hear('small', 'student'), await hear('small', 'teacher')];
    for (let step = 0; step < 8; step++) {
      const frames = await Promise.all(streams.map((stream) => stream.next()));
      expect(frames.map(({ value }) => value?.logits.data[0])).toEqual([100 + step, 200 + step, 200 + step]);
    }
    await Promise.all(streams.map((stream) => stream.return()));
  });

  test('refuses a consumer that names a model which it does not serve', async () => {
    await anchor.loadFrozen(start, { large: await paramsIn(1), small: await paramsIn(2) }, spec);
    await expect((await hear('huge', 'student')).next()).rejects.toMatchObject({
      message: `the anchor at ${anchor.address}: participant huge is not served here`,
    });
  });

  test('refuses a load that lacks one of them, by name, and closes what it has opened when one cannot be read', async () => {
    const large = await paramsIn(1);
    await expect(anchor.loadFrozen(start, { large }, spec)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'the anchor: stage 1 has other frozen models than large',
    });
    const small = await paramsIn(2);
    await store.remove(small.key);
    await expect(anchor.loadFrozen(start, { large, small }, spec)).rejects.toMatchObject({ kind: 'corrupt' });
    expect(open).toBe(0);
  });
});
