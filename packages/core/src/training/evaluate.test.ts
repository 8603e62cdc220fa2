import { Engine, type Session } from '@trikd/engine';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageBytes } from '../data/image-source.js';
import { evaluate } from './evaluate.js';
import { PREDICT, tracePredictor } from './role-program.js';

const spec = specFor('tiny');
const dataset = datasetFor(spec);
const size = imageBytes(dataset);
const BATCH = spec.batchSize;

let session: Session;

beforeAll(async () => {
  session = await (await Engine.open(spec.engine)).load(tracePredictor({ spec, dataset }, spec.student!.model));
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
      const score = await evaluate({ session, spec, dataset }, firstOf(count));
      const expected = await scoreOneByOne(count);
      expect(score.examples).toBe(count);
      expect(score.metrics['accuracy']).toBe(expected.accuracy);
      expect(score.metrics['nll']).toBeCloseTo(expected.nll, 5);
    },
  );
});
