import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { largestLogits } from './compact-logits.js';
import { expOf, largestColumns, logMeanExp } from './testing/compact-logits.js';

/** Of an example: its values, which may be many equal ones. */
const logit = fc.oneof(
  fc.float({ noNaN: true, min: -40, max: 40 }),
  fc.integer({ min: -4, max: 4 }),
  fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-40, -3e38, 3e38),
);
const rows = fc.integer({ min: 2, max: 90 }).chain((cols) =>
  fc.record({
    cols: fc.constant(cols),
    k: fc.integer({ min: 1, max: cols - 1 }),
    data: fc
      .array(fc.array(logit, { minLength: cols, maxLength: cols }), { minLength: 1, maxLength: 4 })
      .map((all) => Float32Array.from(all.flat())),
  }),
);

describe('the largest logits of rows', () => {
  test('and the rest are those of JavaScript, bit for bit, whatever the logits', () => {
    fc.assert(
      fc.property(rows, ({ cols, k, data }) => {
        const starts = Array.from({ length: data.length / cols }, (_, row) => row * cols);
        const classes = starts.map((from) => largestColumns(data, from, cols, k));
        const rest = starts.map((from, row) => logMeanExp(data, from, cols, classes[row]!));
        expect(largestLogits(data, cols, k)).toEqual({
          classes: Uint16Array.from(classes.flatMap((each) => [...each])),
          rest: Float32Array.from(rest),
        });
      }),
      { numRuns: 1000 },
    );
  });

  test('of 65,536 classes have the last of them', () => {
    const data = Float32Array.from({ length: 65_536 }, (_, i) => i / 65_536);
    expect([...largestLogits(data, 65_536, 2).classes]).toEqual([65_534, 65_535]);
  });

  test('are refused where a row has no others', () => {
    expect(() => largestLogits(new Float32Array(6), 3, 3)).toThrow('no 3 largest and others');
  });
});

test('the largest columns are those of a stable sort, ascending, whatever is equal', () => {
  // Few values, so that many are equal.
  const row = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 2, maxLength: 60 });
  fc.assert(
    fc.property(row, fc.nat(), (values, some) => {
      const k = 1 + (some % (values.length - 1));
      const sorted = [...values.keys()].sort((a, b) => values[b]! - values[a]!);
      const { classes } = largestLogits(Float32Array.from(values), values.length, k);
      expect([...classes]).toEqual(sorted.slice(0, k).sort((a, b) => a - b));
    }),
  );
});

describe('the rest', () => {
  test('is ln of the mean of exp over the others, and does not overflow', () => {
    const { rest } = largestLogits(Float32Array.of(1000, 1003, 1002, 1003.5), 4, 2);
    expect(rest[0]).toBeCloseTo(1002 + Math.log((1 + Math.exp(-2)) / 2), 4);
    expect([...largestLogits(Float32Array.of(-1e30, -1e30, -1e30), 3, 1).rest]).toEqual([Math.fround(-1e30)]);
  });

  test('of equal values is that value', () => {
    expect([...largestLogits(new Float32Array(10_000).fill(-3), 10_000, 1).rest]).toEqual([-3]);
  });

  test('is computed with an exp within 1e-8 of that of Node.js, and 0 where it no longer counts', () => {
    fc.assert(
      fc.property(fc.double({ min: -40, max: 0, noNaN: true }), (x) => {
        expect(Math.abs(expOf(x) / Math.exp(x) - 1)).toBeLessThan(1e-8);
      }),
    );
    expect([expOf(0), expOf(-100), expOf(Number.NEGATIVE_INFINITY)]).toEqual([1, 0, 0]);
  });
});
