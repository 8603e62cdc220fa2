import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { onWhite, scaled } from './pixels.js';

const grey = (height: number, width: number) => ({ height, width, channels: 1 });

describe('scaling', () => {
  test('takes the mean of the area that a pixel covers where an axis gets shorter', () => {
    expect([...scaled(Uint8Array.of(0, 30, 60), grey(1, 3), grey(1, 2))]).toEqual([10, 50]);
    expect([...scaled(Uint8Array.of(0, 100, 200, 20), grey(4, 1), grey(2, 1))]).toEqual([50, 110]);
  });

  test('is bilinear between the centres of pixels where an axis gets longer', () => {
    expect([...scaled(Uint8Array.of(0, 100), grey(1, 2), grey(1, 4))]).toEqual([0, 25, 75, 100]);
    expect([...scaled(Uint8Array.of(0, 100), grey(2, 1), grey(4, 1))]).toEqual([0, 25, 75, 100]);
  });

  test('keeps channels apart', () => {
    const pixels = Uint8Array.of(0, 10, 20, 100, 110, 120);
    expect([...scaled(pixels, { height: 1, width: 2, channels: 3 }, grey(1, 1))]).toEqual([50, 60, 70]);
  });

  test('of one colour gives that colour, and never leaves 0 to 255', () => {
    const side = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(side, side, side, side, fc.integer({ min: 0, max: 255 }), (height, width, tall, wide, value) => {
        const pixels = new Uint8Array(height * width).fill(value);
        const found = scaled(pixels, grey(height, width), grey(tall, wide));
        expect(found).toEqual(new Uint8Array(tall * wide).fill(value));
      }),
    );
  });

  test('of a picture and of its mirror image gives mirror images', () => {
    const row = fc.uint8Array({ minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(row, fc.integer({ min: 1, max: 30 }), (pixels, width) => {
        const found = scaled(pixels, grey(1, pixels.length), grey(1, width));
        const mirrored = scaled(pixels.toReversed(), grey(1, pixels.length), grey(1, width)).toReversed();
        for (const [x, value] of found.entries()) expect(Math.abs(value - mirrored[x]!)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a picture on a white ground', () => {
  const picture = (...rgba: number[]) => ({ height: 1, width: rgba.length / 4, rgba: Uint8Array.from(rgba) });

  test('is white where it is transparent, and a mixture where it is half so', () => {
    expect([...onWhite(picture(9, 9, 9, 0, 0, 100, 200, 128, 1, 2, 3, 255), 3)]).toEqual([
      ...[255, 255, 255],
      ...[127, 177, 227],
      ...[1, 2, 3],
    ]);
  });

  test('is grey by its luma, and grey stays as it is', () => {
    const greys = Array.from({ length: 256 }, (_, v) => [v, v, v, 255]).flat();
    expect(onWhite(picture(...greys), 1)).toEqual(Uint8Array.from({ length: 256 }, (_, v) => v));
    expect([...onWhite(picture(255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255), 1)]).toEqual([76, 150, 29]);
  });
});
