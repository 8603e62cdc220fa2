/** How far the outputs of an exported model are from those of its checkpoint. */
export interface Comparison {
  readonly images: number;
  /** Largest absolute difference of any output of any image. */
  readonly difference: number;
  /** Images whose largest output is the same one. */
  readonly agreeing: number;
  /** Images whose largest output is that of their label; without labels undefined. */
  readonly right?: { readonly exported: number; readonly expected: number };
}

/** Largest difference that is still the same model: float32 sums in another order. */
export const TOLERANCE = 1e-4;

/**
 * @param exported rows of outputs
 * @param expected those of the checkpoint
 * @param columns outputs of one image
 * @param labels of the images, where outputs are logits of classes
 */
export function compareOutputs(
  exported: Float32Array,
  expected: Float32Array,
  columns: number,
  labels?: ArrayLike<number>,
): Comparison {
  if (exported.length !== expected.length) throw new RangeError(`${exported.length} outputs, not ${expected.length}`);
  const images = expected.length / columns;
  let difference = 0;
  let agreeing = 0;
  const right = { exported: 0, expected: 0 };
  for (let row = 0; row < images; row++) {
    const [a, b] = [exported, expected].map((all) => all.subarray(row * columns, (row + 1) * columns));
    for (let column = 0; column < columns; column++) {
      const apart = Math.abs(a![column]! - b![column]!);
      // NaN is further apart than every number.
      if (!(apart <= difference)) difference = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
    }
    const [own, other] = [largest(a!), largest(b!)];
    if (own === other) agreeing++;
    if (own === labels?.[row]) right.exported++;
    if (other === labels?.[row]) right.expected++;
  }
  return { images, difference, agreeing, ...(labels && { right }) };
}

function largest(row: Float32Array): number {
  return row.reduce((best, value, column) => (value > row[best]! ? column : best), 0);
}
