import { LONGEST_NAME, MOST_KERNELS, type Numerics } from '@trikd/core/domain/numerics';
import { INTEL } from '@trikd/testing/runs/numerics';
import { expect, test } from 'vitest';
import { fromNumerics, toNumerics } from './convert-participant.js';
import { AssignResponse } from './gen/node/trikd/v1/trainer.js';

const facts = { datasetDigest: '', totalSteps: 1, stepsPerEpoch: 1, classes: 2, initialFile: '' };
const sent = (given: Numerics | undefined) =>
  toNumerics(
    AssignResponse.decode(AssignResponse.encode({ ...facts, numerics: fromNumerics(given) }).finish()).numerics,
  );

test('numerics arrive as they were sent, or not at all', () => {
  expect(sent(INTEL)).toEqual(INTEL);
  expect(sent(undefined)).toBeUndefined();
});

test('numerics are cut to what a manifest takes, and control no terminal', () => {
  const kernels = Array.from({ length: 2 * MOST_KERNELS }, (_, index) => `k${index}`);
  const cut = sent({ ...INTEL, processor: 'x'.repeat(10_000), device: 'gpu\u001b[2J', kernels });
  expect(cut).toMatchObject({ processor: 'x'.repeat(LONGEST_NAME), device: 'gpu\\u001b[2J' });
  expect(cut?.kernels).toHaveLength(MOST_KERNELS);
});
