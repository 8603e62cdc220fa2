import { expect, test } from 'vitest';
import { DataSpec } from '../spec/data-spec.js';
import { NORMALISATIONS, namedNormalisation } from './normalisation.js';
import { splitDataset } from './split.js';
import { syntheticSource } from './synthetic.js';

const training = { mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] };

test('each name has a mean and a positive standard deviation for each channel', () => {
  for (const name of NORMALISATIONS) {
    const { mean, std } = namedNormalisation(name, training);
    expect([mean.length, std.length]).toEqual([3, 3]);
    expect(std.every((value) => value > 0)).toBe(true);
  }
  expect(namedNormalisation('training', training)).toBe(training);
});

test('statistics of colours are refused for grey images', () => {
  const grey = { mean: [0.1], std: [0.4] };
  expect(() => namedNormalisation('imagenet', grey)).toThrow(/imagenet are of 3 channels, and these images have 1/);
  expect(namedNormalisation('half', grey)).toEqual({ mean: [0.5], std: [0.5] });
});

test('a dataset has the statistics that its spec names, and the digest of its pixels', () => {
  const made = DataSpec.parse({ kind: 'synthetic', channels: 3 });
  const source = syntheticSource(made as Extract<DataSpec, { kind: 'synthetic' }>, 0);
  const sizes = { kind: 'idx', train: 100, validation: 20 };
  const named = splitDataset(source, DataSpec.parse({ ...sizes, normalise: 'half' }), 0);
  const own = splitDataset(source, DataSpec.parse(sizes), 0);
  expect(named).toEqual({ ...own, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
});
