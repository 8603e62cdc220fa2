import fc from 'fast-check';
import { expect, test } from 'vitest';
import { largestColumns } from './largest-logits.js';

test('the largest columns are those of a stable sort, ascending, whatever is equal', () => {
  // Few values, so that many are equal.
  const rows = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 2, maxLength: 60 });
  fc.assert(
    fc.property(rows, fc.nat(), (row, some) => {
      const k = 1 + (some % (row.length - 1));
      const values = Float32Array.from([7, ...row, 7]);
      const sorted = [...row.keys()].sort((a, b) => row[b]! - row[a]!);
      expect([...largestColumns(values, 1, row.length, k)]).toEqual(sorted.slice(0, k).sort((a, b) => a - b));
    }),
  );
});
