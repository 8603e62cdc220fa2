// What the addon computes, in JavaScript: the bits of one are those of the other.

/**
 * The columns of the `k` largest values of a row, ascending. Of equal values the earlier column is the larger one.
 * @param values the row starts at `from`, and has `count` columns
 */
export function largestColumns(values: Float32Array, from: number, count: number, k: number): Uint16Array {
  // A heap of the largest so far, the smallest of them at its root: most columns are compared with that one and no other.
  const heap = new Uint16Array(k);
  const isSmaller = (one: number, other: number) => {
    const a = values[from + one]!;
    const b = values[from + other]!;
    return a < b || (a === b && one > other);
  };
  const sink = (start: number, size: number) => {
    const column = heap[start]!;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && isSmaller(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isSmaller(heap[child]!, column)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = column;
  };
  for (let column = 0; column < k; column++) heap[column] = column;
  for (let start = (k >> 1) - 1; start >= 0; start--) sink(start, k);
  let least = values[from + heap[0]!]!;
  for (let column = k; column < count; column++) {
    if (values[from + column]! <= least) continue;
    heap[0] = column;
    sink(0, k);
    least = values[from + heap[0]!]!;
  }
  return heap.sort();
}

/** exp(x) is 2^n · exp(r) with x = n·ln 2 + r and |r| <= ln 2 / 2. */
const PER_OCTAVE = 1 / Math.LN2;
/** Powers of 2 from 2^0 down. Smaller summands do not change a sum of at least 1 that is rounded to float32. */
const POWERS = Float64Array.from({ length: 60 }, (_, n) => 2 ** -n);

/**
 * exp(x) for x <= 0 to a relative error of 1e-8: Taylor's series to the seventh power. Several times faster than Math.exp, and the same
 * bits in each version of Node.js.
 */
export function expOf(x: number): number {
  const n = Math.floor(x * PER_OCTAVE + 0.5);
  if (n <= -POWERS.length) return 0;
  const r = x - n * Math.LN2;
  const series = 1 + r * (1 + (r / 2) * (1 + (r / 3) * (1 + (r / 4) * (1 + (r / 5) * (1 + (r / 6) * (1 + r / 7))))));
  return POWERS[-n]! * series;
}

/**
 * ln of the mean of exp over a part of a row, without overflow.
 * @param values the row starts at `from`, and has `count` columns
 * @param skipped columns that are left out, ascending; at least one column stays
 */
export function logMeanExp(values: Float32Array, from: number, count: number, skipped: Uint16Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  let sum = 0;
  // Twice through the columns between those that are left out, without a test of each.
  for (let part = 0, start = from; part <= skipped.length; part++) {
    const end = from + (skipped[part] ?? count);
    for (let at = start; at < end; at++) if (values[at]! > largest) largest = values[at]!;
    start = end + 1;
  }
  for (let part = 0, start = from; part <= skipped.length; part++) {
    const end = from + (skipped[part] ?? count);
    for (let at = start; at < end; at++) sum += expOf(values[at]! - largest);
    start = end + 1;
  }
  return largest + Math.log(sum / (count - skipped.length));
}
