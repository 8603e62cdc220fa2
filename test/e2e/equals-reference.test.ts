import { join } from 'node:path';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { hears } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { reference, resultOf } from './outcome.js';
import { expectNoProcess, pidOf } from './processes.js';
import { run, scratch, startRun } from './trikd.js';

const tiny = writtenSpec('two generations');

/** The nets and the objectives of examples/fashion-mnist.yaml, 200 steps a generation. */
const fashionMnist: WrittenSpec = {
  name: 'fashion-mnist',
  data: { kind: 'idx', train: 256, validation: 500, test: 500 },
  batchSize: 64,
  epochs: 50,
  student: { model: { kind: 'plain-cnn', channels: [12, 12, 24, 24] }, objective: hears(1, 1) },
  teacher: { model: { kind: 'plain-cnn', channels: [16, 16, 32, 32, 64, 64] }, objective: hears(0.1, 0.1) },
  evaluation: { everyEpochs: 10 },
  checkpoint: { everyEpochs: 20 },
  curriculum: { generations: 2 },
};

describe('four processes end bit for bit as one', () => {
  test('after 200 steps of generation 0 and of generation 1 on Fashion-MNIST, and again when repeated', async () => {
    const [one, other] = [scratch(), scratch()];
    const distributed = resultOf(await run(one, fashionMnist));
    const expected = await reference(fashionMnist);
    expect(expected.map(({ generation, steps, promoted }) => [generation, steps, promoted])).toEqual([
      [0, 200, true],
      [1, 200, false],
    ]);
    expect(distributed).toEqual({ phase: 'completed', generations: expected });
    const [again, expectedAgain] = [resultOf(await run(other, fashionMnist)), await reference(fashionMnist)];
    expect(again).toEqual(distributed);
    expect(expectedAgain).toEqual(expected);
    await expectNoProcess(one);
  });

  test('another seed ends in other weights', async () => {
    const [first, second] = await Promise.all([reference(tiny), reference({ ...tiny, seed: 1 })]);
    for (const name of ['student', 'teacher']) {
      expect(second[0]?.learners[name]?.stateSha256).not.toBe(first[0]?.learners[name]?.stateSha256);
    }
  });

  test('with a ResNet-8, AdamW and all augmentation', async () => {
    const spec: WrittenSpec = {
      ...tiny,
      data: { kind: 'synthetic', height: 12, width: 12, channels: 3, noise: 24 },
      augment: [
        { kind: 'crop', padding: 2 },
        { kind: 'flip' },
        { kind: 'rand-augment' },
        { kind: 'colour-jitter' },
        { kind: 'cutout', size: 4 },
        { kind: 'mixup', probability: 0.5 },
        { kind: 'cutmix' },
      ],
      student: { ...tiny.student, model: { kind: 'resnet', depth: 8, width: 4 } },
      teacher: {
        ...tiny.teacher,
        model: { kind: 'resnet', depth: 8, width: [4, 8, 8, 16] },
        optimizer: { kind: 'adamw' },
        learningRate: 0.005,
      },
      engine: { threads: 2 },
    };
    const [ended, expected] = await Promise.all([run(scratch(), spec), reference(spec)]);
    expect(resultOf(ended)).toEqual({ phase: 'completed', generations: expected });
  });

  test.each([{ precision: 'float16' }, { topK: 3 }] as const)('with logits that are sent as %o', async (exchange) => {
    const spec: WrittenSpec = { ...tiny, data: { kind: 'synthetic', classes: 10, noise: 24 }, exchange };
    const [ended, expected] = await Promise.all([run(scratch(), spec), reference(spec)]);
    expect(resultOf(ended)).toEqual({ phase: 'completed', generations: expected });
  });

  test('with replicas in processes of their own, one of which is killed', async () => {
    const folder = scratch();
    const spec: WrittenSpec = { ...tiny, epochs: 12, student: { ...tiny.student, replicas: 2 } };
    const logs = join(folder, 'runs', tiny.name, 'logs', 'replica-1');
    const running = startRun(folder, spec);
    await running.said((line) => line.event === 'evaluation' && line.generation === 1);
    process.kill(pidOf('student-trainer', logs), 'SIGKILL');
    expect(await running.ended).toMatchObject({ status: 1 });
    const [ended, expected] = [await run(folder, spec), await reference(spec)];
    expect(resultOf(ended)).toEqual({ phase: 'completed', generations: expected });
    await expectNoProcess(folder);
  });

  test('when a generation ends by its patience', async () => {
    const spec: WrittenSpec = { ...tiny, epochs: 20, convergence: { patience: 2, minDelta: 0.01 } };
    const [ended, expected] = await Promise.all([run(scratch(), spec), reference(spec)]);
    expect(expected.map(({ steps }) => steps).every((steps) => steps < 160)).toBe(true);
    expect(resultOf(ended)).toEqual({ phase: 'completed', generations: expected });
  });
});
