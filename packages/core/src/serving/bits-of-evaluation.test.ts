import { expect, test } from 'vitest';
import { equalSizes, evaluated, sampleImages } from './bits-of-evaluation.js';

/** A session whose output for an image of one pixel is that pixel, and other bits where `isOther` says so. */
const sessionWith = (isOther: (place: number, rows: number) => boolean) => ({
  run: async (_name: string, { images }: Readonly<Record<string, unknown>>) => {
    const pixels = Float32Array.from(images as Uint8Array | Float32Array);
    return { logits: pixels.map((pixel, place) => (isOther(place, pixels.length) ? pixel + 0.5 : pixel)) };
  },
});

/** The sizes of batches of at most 8 that have the bits of an evaluation in batches of 8. */
async function sizesOf(isOther: (place: number, rows: number) => boolean): Promise<readonly number[]> {
  const [session, images] = [sessionWith(isOther), sampleImages(12)];
  const expected = await evaluated(session, images, 1, 8);
  return equalSizes(expected, [1, 2, 4, 8], { session, images, pixels: 1 });
}

test.each([
  ['of every size, where rows do not depend on each other', () => false, [1, 2, 4, 8]],
  ['of more than one row, where one alone has other bits', (_: number, rows: number) => rows === 1, [2, 4, 8]],
  ['of no size, where the last row of a batch has other bits', (at: number, rows: number) => at === rows - 1, []],
] as const)('batches have the bits of an evaluation %s', async (_, isOther, sizes) => {
  expect(await sizesOf(isOther)).toEqual(sizes);
});
