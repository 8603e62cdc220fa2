import type { Sliced } from '../../async/slices.js';

/** Embeddings of images: one row of `dimension` numbers for each. */
export interface Embeddings {
  readonly dimension: number;
  /** count x dimension, row-major. */
  readonly values: Float32Array;
}

/** How far the cosine of two embeddings may be from 1 for them to count as one direction: what float32 leaves of it. */
const SAME_DIRECTION = 1e-6;

function rowsOf({ values, dimension }: Embeddings): number {
  return values.length / dimension;
}

/** The embeddings with length 1. One of length 0 keeps it: its cosine with any other is then 0. */
export function normalised({ values, dimension }: Embeddings): Embeddings {
  const units = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += dimension) {
    let squares = 0;
    for (let i = at; i < at + dimension; i++) squares += values[i]! ** 2;
    const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
    for (let i = at; i < at + dimension; i++) units[i] = values[i]! * scale;
  }
  return { dimension, values: units };
}

/** The cosine of the angle between two embeddings of length 1, -1..1. */
export function cosine({ values, dimension }: Embeddings, a: number, b: number): number {
  const [left, right] = [a * dimension, b * dimension];
  let sum = 0;
  for (let i = 0; i < dimension; i++) sum += values[left + i]! * values[right + i]!;
  return sum;
}

/** Whether all embeddings of length 1 are one direction. What is left between them is rounding, and says nothing of the images. */
export function areAlike(units: Embeddings): boolean {
  const own = cosine(units, 0, 0);
  for (let row = 1; row < rowsOf(units); row++) {
    // A length of 0 is a direction of its own.
    for (const other of [0, row]) {
      // Not `>`: a cosine that is not a number is no likeness.
      if (!(Math.abs(cosine(units, other, row) - own) <= SAME_DIRECTION)) return false;
    }
  }
  return true;
}

/** Images that are looked up, at most: each is compared with all others. */
export const MOST_QUERIES = 2000;

/**
 * Share of images whose nearest other image is of their identity. Images of an identity with a single image are not looked up, but are
 * found. Of several that are equally near, the first counts. Undefined when no identity has two images, NaN when a cosine is.
 * @param units embeddings of length 1
 */
export function* retrievalRate(
  units: Embeddings,
  labels: ArrayLike<number>,
  most = MOST_QUERIES,
): Sliced<number | undefined> {
  const images = new Map<number, number>();
  for (let row = 0; row < rowsOf(units); row++) images.set(labels[row]!, (images.get(labels[row]!) ?? 0) + 1);
  let [queries, found] = [0, 0];
  for (let row = 0; row < rowsOf(units) && queries < most; row++) {
    if (images.get(labels[row]!) === 1) continue;
    const nearest = nearestTo(units, row);
    if (nearest === undefined) return Number.NaN;
    queries++;
    if (labels[nearest] === labels[row]) found++;
    yield;
  }
  return queries === 0 ? undefined : found / queries;
}

/** The other row with the largest cosine; undefined when one is not a number. */
function nearestTo(units: Embeddings, row: number): number | undefined {
  let nearest: number | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (let other = 0; other < rowsOf(units); other++) {
    if (other === row) continue;
    const similarity = cosine(units, row, other);
    if (Number.isNaN(similarity)) return undefined;
    if (similarity > most) [nearest, most] = [other, similarity];
  }
  return nearest;
}
