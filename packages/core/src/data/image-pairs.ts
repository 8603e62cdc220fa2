/** Pairs of images, each a question: is this the same identity? All arrays have one element for each pair. */
export interface ImagePairs {
  /** Indices of images in their split. */
  readonly left: Uint32Array;
  readonly right: Uint32Array;
  /** 1 when both images are of one identity, else 0. */
  readonly same: Uint8Array;
  /** 0 .. folds-1. */
  readonly fold: Uint8Array;
  readonly folds: number;
}

/** The same pairs, after the images of their split were put into another order. @param order the former index of each image */
export function reorderedPairs(pairs: ImagePairs, order: Uint32Array): ImagePairs {
  const places = new Uint32Array(order.length);
  for (const [place, index] of order.entries()) places[index] = place;
  const moved = (indices: Uint32Array) => indices.map((index) => places[index]!);
  return { ...pairs, left: moved(pairs.left), right: moved(pairs.right) };
}
