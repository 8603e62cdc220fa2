import type { Sliced } from '../../async/slices.js';
import { cosine, type Embeddings, rowsOf } from './embeddings.js';

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
