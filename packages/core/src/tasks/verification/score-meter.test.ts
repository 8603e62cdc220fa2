import { expect, test } from 'vitest';
import type { LabelledImages } from '../../data/image-source.js';
import { assertPairs } from './pairs.js';
import { verificationMeter } from './score-meter.js';

/** Two identities, of which no pairs can be made, and a list of pairs. */
const split: LabelledImages = {
  count: 4,
  images: new Uint8Array(4),
  labels: Uint8Array.of(0, 0, 1, 1),
  pairs: {
    left: Uint32Array.of(0, 0, 2, 1),
    right: Uint32Array.of(1, 2, 3, 3),
    same: Uint8Array.of(1, 0, 1, 0),
    fold: Uint8Array.of(0, 0, 1, 1),
    folds: 2,
  },
};

test('images are compared by the list of the data, and by its folds', async () => {
  expect(() => assertPairs(split)).not.toThrow();
  const meter = verificationMeter(split, 2);
  // The pair of one identity in the second fold is less alike than that of two.
  meter.add({ embedding: Float32Array.of(1, 0, 1, 0.1, 0, 1, 1, 0.2) }, split.labels);
  const { metrics } = await meter.score(undefined);
  // The first fold has a threshold above all, which is right for one of its pairs, and the second that of the first: for none.
  expect(metrics['accuracy']).toBe(0.25);
});
