import { softmax } from '@trikd/testing/training/reference-losses';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIn, formatOf, formatText, logitsBytes } from './frame.js';
import { fromSent, toSent } from './sent-logits.js';

const matrix = (rows: number, ...values: number[]) => ({
  rows,
  cols: values.length / rows,
  data: Float32Array.from(values),
});
const logits = fc.float({ min: -60_000, max: 60_000, noNaN: true, noDefaultInfinity: true });

describe('all logits', () => {
  test('in float32 are those of the model, in its memory', () => {
    const own = matrix(2, 1, 2, 3, 4);
    expect(fromSent(toSent(own, { precision: 'float32' }, 'it'))).toBe(own.data);
  });

  test('in float16 are the nearest ones, and the same when they are sent again', () => {
    fc.assert(
      fc.property(fc.array(logits, { minLength: 1, maxLength: 50 }), (values) => {
        const sent = toSent(matrix(1, ...values), { precision: 'float16' }, 'it');
        expect([...fromSent(sent)]).toEqual([...new Float16Array(values)]);
        const again = toSent({ ...sent, data: fromSent(sent) }, { precision: 'float16' }, 'it');
        expect(again).toEqual(sent);
      }),
    );
  });

  test('that float16 does not reach end the attempt by name, and what is no number stays none', () => {
    const send = (value: number) => toSent(matrix(1, 1, value), { precision: 'float16' }, 'the student at step 7');
    expect(fromSent(send(-65_519))[1]).toBe(-65_504);
    expect(() => send(65_520)).toThrow(
      expect.objectContaining({
        kind: 'diverged',
        message: 'the student at step 7 has a logit of 65520, and float16 ends at 65504: leave out exchange.precision',
      }),
    );
    expect(fromSent(send(Number.POSITIVE_INFINITY))[1]).toBeNaN();
  });
});

describe('the largest logits', () => {
  const top = (k: number, precision: 'float32' | 'float16' = 'float32') => ({ precision, topK: k });

  test('of a worked example are sent with the logarithm of the mean of the other exponentials', () => {
    const sent = toSent(matrix(2, 0, 3, Math.log(3), 5, Math.log(2), 9, 8, 7, 7, 7), top(2), 'it');
    expect(sent).toEqual({
      rows: 2,
      cols: 5,
      data: Float32Array.of(3, 5, 9, 8),
      // (1 + 3 + 2) / 3 = 2
      top: { classes: Uint16Array.of(1, 3, 0, 1), rest: Float32Array.of(Math.log(2), 7) },
    });
    const [two] = Float32Array.of(Math.log(2));
    expect([...fromSent(sent)]).toEqual([two, 3, two, 5, two, 9, 8, 7, 7, 7]);
  });

  test('keep their probabilities, and the others their sum', () => {
    const row = fc.array(fc.float({ min: -30, max: 30, noNaN: true }), { minLength: 5, maxLength: 40 });
    fc.assert(
      fc.property(row, (values) => {
        const own = softmax([...Float32Array.from(values)]);
        const got = softmax([...fromSent(toSent(matrix(1, ...values), top(2), 'it'))]);
        const sent = toSent(matrix(1, ...values), top(2), 'it').top!.classes;
        for (const c of sent) expect(got[c]!).toBeCloseTo(own[c]!, 6);
        const others = (all: readonly number[]) => all.reduce((sum, p, c) => (sent.includes(c) ? sum : sum + p), 0);
        expect(others(got)).toBeCloseTo(others(own), 6);
      }),
    );
  });

  test('in float16 are rounded last, with the number of the others', () => {
    const sent = toSent(matrix(1, 1.0001, 2.0001, 0, 0, 0), top(2, 'float16'), 'it');
    expect([...fromSent(sent)]).toEqual([1, 2, 0, 0, 0]);
    expect(formatIn(sent)).toEqual(top(2, 'float16'));
  });
});

describe('the format of a run', () => {
  const of = (exchange: object, classes: number) =>
    formatOf({ exchange: { window: 4, stepTimeout: 60, ...exchange } }, classes);

  test('is all logits in float32, unless it says otherwise; half of the classes or more are all sent', () => {
    expect(of({}, 10)).toEqual({ precision: 'float32' });
    expect(of({ precision: 'float16', topK: 4 }, 10)).toEqual({ precision: 'float16', topK: 4 });
    expect([of({ topK: 4 }, 9), of({ topK: 5 }, 10)].map(formatText)).toEqual([
      'the 4 largest logits of each row in float32',
      'all logits in float32',
    ]);
  });

  test('never takes more bytes than all logits in float32, and says how many it takes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        fc.boolean(),
        (cols, topK, half) => {
          const precision = half ? 'float16' : 'float32';
          const format = of({ topK, precision }, cols);
          const { data, top: largest } = toSent({ rows: 3, cols, data: new Float32Array(3 * cols) }, format, 'it');
          const bytes = data.byteLength + (largest ? largest.classes.byteLength + largest.rest.byteLength : 0);
          expect(logitsBytes(format, 3, cols)).toBe(bytes);
          expect(bytes).toBeLessThanOrEqual(4 * 3 * cols);
        },
      ),
    );
  });
});
