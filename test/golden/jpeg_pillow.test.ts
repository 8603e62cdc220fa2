import { readFileSync } from 'node:fs';
import { onWhite } from '@trikd/core/data/pixels';
import { decodeImage } from '@trikd/model-host/data/images/image-codec';
import { expect, test } from 'vitest';

/** The JSON of the script that made the files. */
interface Golden {
  readonly height: number;
  readonly width: number;
  /** In base64: a JPEG file, and the red, green and blue that Pillow reads in it. */
  readonly kinds: Readonly<Record<string, { readonly file: string; readonly pixels: string }>>;
}

const golden: Golden = JSON.parse(readFileSync(new URL('./jpeg_pillow.json', import.meta.url), 'utf8'));

/** Levels by which pixels differ. Colour of half the resolution is not interpolated as by libjpeg. */
const MOST = 3;
const MOST_HALVED = 20;

test.each(Object.entries(golden.kinds))(
  'a JPEG file of Pillow has the pixels that Pillow reads: %s',
  (kind, { file, pixels }) => {
    const picture = decodeImage(Buffer.from(file, 'base64'));
    expect([picture.height, picture.width]).toEqual([golden.height, golden.width]);
    const found = onWhite(picture, 3);
    const expected = Buffer.from(pixels, 'base64');
    expect(found.length).toBe(expected.length);
    const farthest = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
    expect(farthest).toBeLessThanOrEqual(kind.startsWith('half') ? MOST_HALVED : MOST);
  },
);
