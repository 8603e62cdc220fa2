import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32 } from '../dtype.js';
import { Engine, type Session } from '../engine.js';
import { distance, randomNumbers } from '../testing/numbers.js';
import { ONE_THREAD, traceFunctions } from '../testing/programs.js';
import { tf } from '../tfjs-internals/tf.js';
import { plainSoftmaxCrossEntropy, softmaxCrossEntropy } from './softmax-cross-entropy.js';

const [ROWS, CLASSES] = [4, 6];

let session: Session;

beforeAll(async () => {
  const program = traceFunctions({
    fused: {
      inputs: { targets: float32(ROWS, CLASSES), logits: float32(ROWS, CLASSES), upstream: float32(ROWS) },
      body({ inputs }) {
        const { targets, logits, upstream } = inputs as Readonly<Record<string, Tensor2D>>;
        const f = (own: Tensor) => softmaxCrossEntropy(targets!, own as Tensor2D);
        const { value, grad } = tf.valueAndGrad<Tensor, Tensor>(f)(logits!, upstream!);
        return { value, gradient: grad };
      },
    },
  });
  session = await (await Engine.open(ONE_THREAD)).load(program);
});

afterAll(() => session.close());

function softmax(row: readonly number[]): number[] {
  const largest = Math.max(...row);
  const powers = row.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

const rows = (values: ArrayLike<number>) =>
  Array.from({ length: ROWS }, (_, row) =>
    Array.from({ length: CLASSES }, (_, column) => values[row * CLASSES + column]!),
  );

const distributions = () =>
  Float32Array.from(rows(randomNumbers(ROWS * CLASSES, 5)).flatMap((row) => softmax(row.map((x) => 3 * x))));

/** The definition, in double precision. */
function reference(targets: Float32Array, logits: Float32Array, upstream: ArrayLike<number>) {
  const [wanted, given] = [rows(targets), rows(logits)];
  const value = given.map((row, i) => {
    const largest = Math.max(...row);
    const logSum = largest + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
    return row.reduce((sum, logit, c) => sum + wanted[i]![c]! * (logSum - logit), 0);
  });
  const gradient = given.flatMap((row, i) => softmax(row).map((p, c) => upstream[i]! * (p - wanted[i]![c]!)));
  return { value, gradient };
}

describe('softmaxCrossEntropy', () => {
  test.each([
    ['ordinary', 3],
    ['large', 300],
  ])('fused in a graph, it has the value and gradient of its definition for %s logits', async (_name, scale) => {
    const [targets, upstream] = [distributions(), randomNumbers(ROWS, 8)];
    const logits = randomNumbers(ROWS * CLASSES, 6).map((logit) => scale * logit);
    const expected = reference(targets, logits, upstream);
    const { value, gradient } = await session.run('fused', { targets, logits, upstream });
    expect(distance(value!, expected.value)).toBeLessThanOrEqual(1);
    expect(distance(gradient!, expected.gradient)).toBeLessThanOrEqual(1);
  });

  test('outside of a graph, it has the same values and gradients', () => {
    const [targets, logits] = [distributions(), randomNumbers(ROWS * CLASSES, 6)];
    const expected = reference(targets, logits, [1, 1, 1, 1]);
    const [value, gradient] = tf.tidy(() => {
      const f = (own: Tensor2D) => softmaxCrossEntropy(tf.tensor2d(targets, [ROWS, CLASSES]), own);
      const own = tf.tensor2d(logits, [ROWS, CLASSES]);
      return [
        f(own).dataSync(),
        tf
          .grad((x) => tf.sum(f(x as Tensor2D)))(own)
          .dataSync(),
      ];
    });
    expect(distance(value!, expected.value)).toBeLessThanOrEqual(1);
    expect(distance(gradient!, expected.gradient)).toBeLessThanOrEqual(1);
  });

  test('stays finite where a softmax would overflow', async () => {
    const targets = Float32Array.from({ length: ROWS * CLASSES }, (_, i) => (i % CLASSES === 0 ? 1 : 0));
    const logits = Float32Array.from({ length: ROWS * CLASSES }, (_, i) => (i % CLASSES === 1 ? 1e4 : -1e4));
    const { value, gradient } = await session.run('fused', {
      targets,
      logits,
      upstream: new Float32Array(ROWS).fill(1),
    });
    expect(Array.from(value!)).toEqual([2e4, 2e4, 2e4, 2e4]);
    expect(Array.from(gradient!.subarray(0, CLASSES))).toEqual([-1, 1, 0, 0, 0, 0]);
  });
});

describe('plainSoftmaxCrossEntropy', () => {
  const [targets, logits] = [distributions(), randomNumbers(ROWS * CLASSES, 6)];
  const matrix = (values: Float32Array) => tf.tensor2d(values, [ROWS, CLASSES]);

  test('has the value of the fused one', () => {
    const value = tf.tidy(() => plainSoftmaxCrossEntropy(matrix(targets), matrix(logits)).dataSync());
    expect(distance(value, reference(targets, logits, [1, 1, 1, 1]).value)).toBeLessThanOrEqual(1);
  });

  test('has a gradient by its targets: -ln softmax(logits)', () => {
    const gradient = tf.tidy(() =>
      tf
        .grad((own) => tf.sum(plainSoftmaxCrossEntropy(own as Tensor2D, matrix(logits))))(matrix(targets))
        .dataSync(),
    );
    const expected = rows(logits).flatMap((row) => softmax(row).map((p) => -Math.log(p)));
    expect(distance(gradient, expected)).toBeLessThanOrEqual(1);
  });
});
