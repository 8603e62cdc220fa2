import { Engine, type Session } from '@trikd/engine';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageBytes } from '../data/image-source.js';
import { evaluate, negativeLogLikelihood } from './evaluate.js';
import { PREDICT, traceAnchor } from './role-program.js';

const spec = specFor('tiny');
const dataset = datasetFor(spec);
const size = imageBytes(dataset);
const BATCH = spec.batchSize;

let session: Session;

beforeAll(async () => {
  session = await (await Engine.open(spec.engine)).load(traceAnchor({ spec, dataset, generation: 0 }));
});

afterAll(() => session.close());

/** The first images of the training split. */
const firstOf = (count: number) => ({
  count,
  images: dataset.train.images.subarray(0, count * size),
  labels: dataset.train.labels.subarray(0, count),
});

/** Scores image by image, each in a batch full of itself. */
async function scoreOneByOne(count: number) {
  let [correct, nll] = [0, 0];
  for (let i = 0; i < count; i++) {
    const image = dataset.train.images.subarray(i * size, (i + 1) * size);
    const images = Uint8Array.from({ length: BATCH * size }, (_, k) => image[k % size]!);
    const { logits } = await session.run(PREDICT, { images });
    const row = Array.from(logits!.subarray(0, dataset.classes));
    const label = dataset.train.labels[i]!;
    if (row.indexOf(Math.max(...row)) === label) correct++;
    nll += Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - row[label]!), 0));
  }
  return { accuracy: correct / count, nll: nll / count };
}

describe('evaluate', () => {
  test.each([1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3])(
    'counts %d images once each, whatever fills the last batch',
    async (count) => {
      const score = await evaluate(session, dataset, firstOf(count), BATCH);
      const expected = await scoreOneByOne(count);
      expect(score.examples).toBe(count);
      expect(score.accuracy).toBe(expected.accuracy);
      expect(score.nll).toBeCloseTo(expected.nll, 5);
    },
  );
});

describe('negativeLogLikelihood', () => {
  test('is the logarithm of the number of classes where all logits are alike', () => {
    expect(negativeLogLikelihood(new Float32Array(7).fill(3), 2)).toBeCloseTo(Math.log(7), 12);
  });

  test('is -ln of the probability of the label, and the probabilities sum to 1', () => {
    const row = fc.array(fc.float({ min: -30, max: 30, noNaN: true }), { minLength: 2, maxLength: 10 });
    fc.assert(
      fc.property(row, (values) => {
        const logits = Float32Array.from(values);
        const total = values.reduce((sum, _, label) => sum + Math.exp(-negativeLogLikelihood(logits, label)), 0);
        expect(total).toBeCloseTo(1, 9);
      }),
    );
  });

  test('stays finite where an exponential would overflow', () => {
    expect(negativeLogLikelihood(Float32Array.of(5000, -5000), 1)).toBe(10_000);
    expect(negativeLogLikelihood(Float32Array.of(5000, -5000), 0)).toBe(0);
  });
});
