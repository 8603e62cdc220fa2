import { toFloat16, fromFloat16 as widened } from '@trikd/engine';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { float16Value, fromFloat16, isFiniteFloat16, LARGEST_FLOAT16, nearestFloat16 } from './float16.js';

/** Any bits at all: denormal numbers, infinities and NaN too. */
const anyBits = fc
  .uint32Array({ minLength: 1, maxLength: 70 })
  .map((bits) => new Float32Array(Uint32Array.from(bits).buffer));
/** In the middle between two float16, and right beside it. */
const ties = fc
  .array(fc.tuple(fc.nat(0x7bfe), fc.constantFrom(-1, 0, 1), fc.boolean()), { maxLength: 70 })
  .map((all) => {
    const numbers = Float32Array.from(all, ([half]) => (float16Value(half) + float16Value(half + 1)) / 2);
    const bits = new Uint32Array(numbers.buffer);
    for (const [i, [, away, isNegative]] of all.entries()) bits[i] = (bits[i]! + away) | (isNegative ? 0x80000000 : 0);
    return numbers;
  });

test('the addon rounds to the float16 that JavaScript rounds to, whatever the bits', () => {
  fc.assert(
    fc.property(fc.oneof(anyBits, ties), (numbers) => {
      expect(toFloat16(numbers).halves).toEqual(Uint16Array.from(numbers, nearestFloat16));
    }),
    { numRuns: 2000 },
  );
});

test('the addon names the first finite number that float16 does not reach', () => {
  fc.assert(
    fc.property(fc.oneof(anyBits, ties), (numbers) => {
      const beyond = numbers.findIndex((each) => Number.isFinite(each) && !isFiniteFloat16(nearestFloat16(each)));
      expect(toFloat16(numbers).beyond).toBe(beyond === -1 ? undefined : beyond);
    }),
  );
  const reached = Float32Array.of(...Array<number>(30).fill(0), Number.NaN, -LARGEST_FLOAT16, Number.NEGATIVE_INFINITY);
  expect(toFloat16(reached).beyond).toBeUndefined();
  expect(toFloat16(Float32Array.of(...reached, 65_520)).beyond).toBe(33);
});

test('the addon widens each float16 to the number that JavaScript widens it to', () => {
  const all = Uint16Array.from({ length: 2 ** 16 }, (_, half) => half);
  // Whole registers, and the numbers behind them.
  for (const halves of [all, all.subarray(3)]) expect(widened(halves)).toEqual(fromFloat16(halves));
});
