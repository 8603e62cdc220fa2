import { native } from './native.js';

// In the addon, several times faster than JavaScript, and with the same bits on every processor.

export interface Float16s {
  /** Bits of the nearest float16 of each number, ties to even; infinity for NaN. */
  readonly halves: Uint16Array;
  /** Index of the first finite number that float16 does not reach: 65,520 and more are rounded to infinity. */
  readonly beyond?: number;
}

export function toFloat16(numbers: Float32Array): Float16s {
  const halves = new Uint16Array(numbers.length);
  const beyond = native.toFloat16(numbers, halves);
  return beyond === -1 ? { halves } : { halves, beyond };
}

/** float16 widened: exact. Infinity and NaN become NaN. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  const numbers = new Float32Array(halves.length);
  native.fromFloat16(halves, numbers);
  return numbers;
}

/** The largest logits of each row, and what the others amount to. */
export interface LargestLogits {
  /** rows x k: columns, ascending in each row. Of equal logits the earlier column counts as the larger one. */
  readonly classes: Uint16Array;
  /** One for each row: ln of the mean of exp over the other logits, without overflow. */
  readonly rest: Float32Array;
}

/**
 * @param logits row-major
 * @param cols 2 to 65,536
 * @param k below `cols`
 * @throws Error for other numbers
 */
export function largestLogits(logits: Float32Array, cols: number, k: number): LargestLogits {
  const rows = logits.length / cols;
  const classes = new Uint16Array(rows * k);
  const others = new Float64Array(2 * rows);
  native.largestLogits(logits, cols, classes, others);
  const rest = Float32Array.from({ length: rows }, (_, row) => {
    const [largest, sum] = others.subarray(2 * row);
    return largest! + Math.log(sum! / (cols - k));
  });
  return { classes, rest };
}
