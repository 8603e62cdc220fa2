import { expect, test } from 'vitest';
import { RunSpec } from './run-spec.js';

const model = { kind: 'plain-cnn' as const, channels: [4] };
/** Two steps an epoch, and a quarter of the epochs for the teacher. */
const eskd = {
  ...{
    name: 'trial',
    data: { kind: 'synthetic' as const, train: 256 },
    epochs: 8,
    batchSize: 128,
    method: 'eskd' as const,
  },
  ...{ student: { model }, teacher: { model } },
};

test('a spec that names no warm-up is valid, however short a stage of its method is', () => {
  expect(RunSpec.safeParse(eskd).success).toBe(true);
});

test('a warm-up that a spec names shrinks with a shorter stage of its method, and must fit into each', () => {
  expect(RunSpec.safeParse({ ...eskd, warmupSteps: 16 }).success).toBe(true);
  expect(() => RunSpec.parse({ ...eskd, warmupSteps: 17 })).toThrow('17 steps of warm-up are more than the 16 steps');
});
