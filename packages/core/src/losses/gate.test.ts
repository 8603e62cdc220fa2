import { type Tensor, tf } from '@trikd/engine';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GateSpec } from '../spec/term-spec.js';
import { cosine, gate } from './gate.js';

type Vector = readonly number[];

/** A vector in tensors of different shapes, as the params of a model are. */
function tensors(vector: Vector): Tensor[] {
  const [head, tail] = [vector.slice(0, 2), vector.slice(2)];
  return [tf.tensor2d(head, [2, 1]), tf.tensor1d(tail)];
}

const cosineOf = (a: Vector, b: Vector) => tf.tidy(() => cosine(tensors(a), tensors(b)).dataSync()[0]!);
const gateOf = (a: Vector, b: Vector, threshold?: number) =>
  tf.tidy(
    () =>
      gate(tensors(a), tensors(b), {
        kind: 'params-similarity',
        ...(threshold !== undefined && { threshold }),
      }).dataSync()[0],
  );

const number = fc.double({ min: -1e3, max: 1e3, noNaN: true });
const vectors = fc
  .integer({ min: 3, max: 6 })
  .chain((length) => fc.tuple(...[0, 1].map(() => fc.array(number, { minLength: length, maxLength: length }))));

const dot = (a: Vector, b: Vector) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

describe('the cosine of two gradients', () => {
  test('is that of all of their numbers together', () => {
    fc.assert(
      fc.property(vectors, ([a = [], b = []]) => {
        fc.pre(dot(a, a) > 1e-6 && dot(b, b) > 1e-6);
        const expected = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
        expect(Math.abs(cosineOf(a, b) - expected)).toBeLessThanOrEqual(1e-5);
      }),
    );
  });

  test('is 0 where one of them is 0', () => {
    expect(cosineOf([0, 0, 0], [1, 2, 3])).toBe(0);
    expect(cosineOf([0, 0, 0], [0, 0, 0])).toBe(0);
  });

  test('is never outside of -1 to 1', () => {
    fc.assert(
      fc.property(vectors, ([a = []]) => {
        const same = cosineOf(a, a);
        expect(Math.abs(same)).toBeLessThanOrEqual(1);
        expect(
          cosineOf(
            a,
            a.map((x) => -3 * x),
          ),
        ).toBeGreaterThanOrEqual(-1);
      }),
    );
  });
});

describe('a gate', () => {
  const [east, north, west] = [
    [1, 0, 0],
    [0, 1, 0],
    [-1, 0, 0],
  ];
  const northEast = [1, 1, 0];

  test.each<[string, Vector, number]>([
    ['the same way', east!, 1],
    ['aslant', northEast, 1],
    ['across', north!, 1],
    ['the other way', west!, 0],
  ])('is open at the default threshold of 0 unless the hint points away: %s', (_way, hint, open) => {
    expect(gateOf(east!, hint)).toBe(open);
  });

  test('asks for more agreement with a higher threshold', () => {
    expect([0.7, 0.72].map((threshold) => gateOf(east!, northEast, threshold))).toEqual([1, 0]);
  });

  test('is always open at a threshold of -1', () => {
    fc.assert(
      fc.property(vectors, ([a = [], b = []]) => {
        expect(gateOf(a, b, -1)).toBe(1);
        expect(
          gateOf(
            a,
            a.map((x) => -x / 3),
            -1,
          ),
        ).toBe(1);
      }),
    );
  });

  test('does not depend on the sizes of the gradients', () => {
    const far = (scale: number) =>
      gateOf(
        east!.map((x) => x * scale),
        northEast.map((x) => x * scale * scale),
        0.7,
      );
    expect([1e-6, 1, 1e6].map(far)).toEqual([1, 1, 1]);
  });
});

test('a threshold is a cosine', () => {
  const accepts = (threshold: number) => GateSpec.safeParse({ kind: 'logits-similarity', threshold }).success;
  expect([-1.01, -1, 0, 1, 1.01].map(accepts)).toEqual([false, true, true, true, false]);
});
