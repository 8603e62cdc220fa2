import { Engine, type Session } from '@trikd/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atOnce } from '../async/slices.js';
import { makeBatch } from '../data/batch.js';
import { imageBytes } from '../data/image-source.js';
import { splitDataset } from '../data/split.js';
import { makingIdentities, type SyntheticIdentitiesSpec } from '../data/synthetic.js';
import { RunSpec } from '../spec/run-spec.js';
import { learnerOf } from '../stages/stage.js';
import { stageAt } from '../stages/stages-of.js';
import { makePairs } from '../tasks/verification/pairs.js';
import { verificationMetrics } from '../tasks/verification/score-meter.js';
import { evaluate } from './evaluate.js';
import { PREDICT, TRAIN, temperatureInput, tracePredictor, traceTrainer, weightInput } from './role-program.js';

const [DIMENSION, SCALE, MARGIN] = [6, 8, 0.3];

const specOf = (margin: number) =>
  RunSpec.parse({
    name: 'identities',
    method: 'ce',
    task: { kind: 'verification', embedding: DIMENSION, margin: { kind: 'cosface', margin, scale: SCALE } },
    data: { kind: 'synthetic-identities', perIdentity: 2, train: 40, validation: 50, test: 12 },
    batchSize: 16,
    epochs: 1,
    warmupSteps: 0,
    student: { model: { kind: 'plain-cnn', channels: [3] } },
    engine: { threads: 1 },
  });
const spec = specOf(MARGIN);
const data = spec.data as SyntheticIdentitiesSpec;
const dataset = splitDataset(atOnce(makingIdentities(data, 0)), data, 0);
const { validation } = dataset;
const { model } = spec.student!;

let session: Session;

beforeAll(async () => {
  session = await (await Engine.open(spec.engine)).load(tracePredictor({ spec, dataset }, model));
});
afterAll(() => session.close());

/** The embedding of each validation image, each in a batch full of itself. */
async function embeddings(): Promise<Float32Array> {
  const size = imageBytes(dataset);
  const values = new Float32Array(validation.count * DIMENSION);
  for (let i = 0; i < validation.count; i++) {
    const image = validation.images.subarray(i * size, (i + 1) * size);
    const images = Uint8Array.from({ length: spec.batchSize * size }, (_, k) => image[k % size]!);
    const { embedding } = await session.run(PREDICT, { images });
    values.set(embedding!.subarray(0, DIMENSION), i * DIMENSION);
  }
  return values;
}

/** One step: the task loss, and the share of the batch whose largest logit is the label. */
async function stepOf(margin: number) {
  const own = specOf(margin);
  const stage = stageAt(own, 0, false);
  const learner = learnerOf(stage, 'student');
  const trained = await (await Engine.open(own.engine)).load(traceTrainer({ spec: own, dataset }, stage, learner));
  const { images, labels } = makeBatch(dataset, own, 0, 0);
  const feeds = { images, labels, learningRate: 0.1, momentum: 0.9, weightDecay: 0, clipNorm: 5 };
  const running = trained.run(TRAIN, {
    ...feeds,
    ...{ seed: Int32Array.of(1), step: Int32Array.of(0), [weightInput(0)]: 1, [temperatureInput(0)]: 1 },
  });
  const logits = await trained.take('logits');
  const { terms, correct } = await running;
  await trained.close();
  return { logits, labels, loss: terms![0]!, correct: correct![0]! };
}

/** Cross-entropy in double precision of the logits, of which that of the label is lowered. */
function crossEntropy(logits: Float32Array, labels: Int32Array, lowered: number): number {
  const { classes } = dataset;
  const rows = Array.from(labels, (label, row) => {
    const own = Array.from(logits.subarray(row * classes, (row + 1) * classes));
    own[label]! -= lowered;
    return Math.log(own.reduce((sum, logit) => sum + Math.exp(logit), 0)) - own[label]!;
  });
  return rows.reduce((sum, loss) => sum + loss, 0) / rows.length;
}

describe('a model for verification', () => {
  test('is scored by the embeddings of all images of a split, whatever fills the last batch', async () => {
    const score = await evaluate({ session, spec, dataset }, validation);
    const pairs = atOnce(makePairs(validation));
    const expected = { dimension: DIMENSION, values: await embeddings() };
    expect(score.examples).toBe(validation.count);
    expect(score.metrics).toEqual(atOnce(verificationMetrics(expected, validation.labels, pairs)));
  });

  test('gives the same score where other work has its turn meanwhile', async () => {
    let [now, turns] = [0, 0];
    const pauses = { now: () => (now += 6), turn: async () => void turns++ };
    const sliced = await evaluate({ session, spec, dataset }, validation, { pauses });
    expect(turns).toBeGreaterThan(10);
    expect(sliced).toEqual(await evaluate({ session, spec, dataset }, validation));
  });

  test('has its margin in the task loss, not in the logits that others learn from', async () => {
    const { logits, labels, loss } = await stepOf(MARGIN);
    const without = await stepOf(0);
    expect(without.logits).toEqual(logits);
    expect(without.loss).toBeCloseTo(crossEntropy(logits, labels, 0), 5);
    expect(loss).toBeCloseTo(crossEntropy(logits, labels, SCALE * MARGIN), 5);
    expect(Math.max(...logits.map(Math.abs))).toBeLessThanOrEqual(SCALE * (1 + 1e-6));
  });

  test('counts the images of a batch that are taken for their own training identity', async () => {
    const { logits, labels, correct } = await stepOf(MARGIN);
    const { classes } = dataset;
    const right = Array.from(labels).filter((label, row) => {
      const own = Array.from(logits.subarray(row * classes, (row + 1) * classes));
      return own.indexOf(Math.max(...own)) === label;
    });
    expect(correct).toBe(right.length);
  });
});
