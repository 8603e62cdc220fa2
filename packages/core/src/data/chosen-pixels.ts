import type { Pixels } from './image-source.js';

/**
 * Some images of `images`, in the order of `chosen`, without a copy.
 * @param size bytes of an image
 */
export function chosenPixels(images: Pixels, chosen: Uint32Array, size: number): Pixels {
  const part = (row: number, begin: number, end: number) => {
    const start = chosen[row]! * size;
    return images.subarray(start + begin, start + end);
  };
  const readAhead = images.readAhead?.bind(images);
  return {
    length: chosen.length * size,
    subarray(begin, end) {
      const first = Math.floor(begin / size);
      if (end <= (first + 1) * size) return part(first, begin - first * size, end - first * size);
      const output = new Uint8Array(end - begin);
      for (let at = begin; at < end; ) {
        const row = Math.floor(at / size);
        const inside = at - row * size;
        const piece = part(row, inside, Math.min(size, inside + end - at));
        output.set(piece, at - begin);
        at += piece.length;
      }
      return output;
    },
    ...(readAhead && { readAhead: (rows) => readAhead(Array.from(rows, (row) => chosen[row]!)) }),
  };
}
