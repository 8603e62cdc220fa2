import fc from 'fast-check';
import { expect, test } from 'vitest';
import { drawAugmentation } from './augment.js';
import { type Augmentation, applyAugmentation } from './geometry.js';
import type { ImageShape } from './image-source.js';

const NO_CUTOUT = { centerY: 0, centerX: 0, side: 0 };
const size = fc.integer({ min: 1, max: 9 });
const image = fc.record({ height: size, width: size, channels: fc.integer({ min: 1, max: 3 }) }).chain((shape) => {
  const length = shape.height * shape.width * shape.channels;
  return fc.uint8Array({ min: 1, minLength: length, maxLength: length }).map((input) => ({ shape, input }));
});
const move = fc.integer({ min: -11, max: 11 });

function apply(augmentation: Augmentation, shape: ImageShape, input: Uint8Array): Uint8Array {
  // Not zero before, so that a pixel that is never written shows.
  const output = new Uint8Array(input.length).fill(77);
  applyAugmentation(augmentation, shape, { input, output });
  return output;
}

/** Pixel by pixel from the definition. */
function expected(
  { up, left, flip, cutout }: Augmentation,
  { height, width, channels }: ImageShape,
  input: Uint8Array,
) {
  const [top, begin] = [cutout.centerY, cutout.centerX].map((center) => center - Math.floor(cutout.side / 2));
  return Uint8Array.from(input, (_, i) => {
    const [y, x, channel] = [Math.floor(i / channels / width), Math.floor(i / channels) % width, i % channels];
    if (y >= top! && y < top! + cutout.side && x >= begin! && x < begin! + cutout.side) return 0;
    const fromY = y + up;
    const fromX = (flip ? width - 1 - x : x) + left;
    const inside = fromY >= 0 && fromY < height && fromX >= 0 && fromX < width;
    return inside ? input[(fromY * width + fromX) * channels + channel]! : 0;
  });
}

test('every pixel is the one that the definition names', () => {
  const cutout = fc.record({ centerY: fc.nat(8), centerX: fc.nat(8), side: fc.nat(12) });
  fc.assert(
    fc.property(image, move, move, fc.boolean(), cutout, ({ shape, input }, up, left, flip, hole) => {
      const augmentation = { up, left, flip, cutout: hole };
      expect(apply(augmentation, shape, input)).toEqual(expected(augmentation, shape, input));
    }),
    { numRuns: 500 },
  );
});

test('flipping twice changes nothing', () => {
  const flip = { up: 0, left: 0, flip: true, cutout: NO_CUTOUT };
  fc.assert(
    fc.property(image, ({ shape, input }) => {
      expect(apply(flip, shape, apply(flip, shape, input))).toEqual(input);
    }),
  );
});

const shape = { height: 6, width: 5, channels: 1 };

function draw(spec: { crop: number; flip: boolean; cutout: number }, sample: number, epoch = 0): Augmentation {
  const stream = { purpose: 'augmentation', seed: 1, generation: 0, epoch } as const;
  return drawAugmentation(spec, shape, { stream, sample });
}

test('with everything off the pixels stay as they are', () => {
  fc.assert(
    fc.property(image, fc.nat(0xffffffff), ({ shape: ofImage, input }, sample) => {
      const stream = { purpose: 'augmentation', seed: 1, generation: 0, epoch: 0 } as const;
      const off = drawAugmentation({ crop: 0, flip: false, cutout: 0 }, ofImage, { stream, sample });
      expect(apply(off, ofImage, input)).toEqual(input);
    }),
  );
});

test('draws reach every crop, both sides and every centre, and nothing beyond', () => {
  const drawn = Array.from({ length: 3000 }, (_, sample) => draw({ crop: 2, flip: true, cutout: 3 }, sample));
  const values = (of: (one: Augmentation) => number) => [...new Set(drawn.map(of))].sort((a, b) => a - b);
  expect(values(({ up }) => up)).toEqual([-2, -1, 0, 1, 2]);
  expect(values(({ left }) => left)).toEqual([-2, -1, 0, 1, 2]);
  expect(values(({ cutout }) => cutout.centerY)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(values(({ cutout }) => cutout.centerX)).toEqual([0, 1, 2, 3, 4]);
  expect(Math.abs(drawn.filter(({ flip }) => flip).length - 1500)).toBeLessThan(140);
});

test('turning one augmentation on leaves the draws of the others', () => {
  const [crop, all] = [draw({ crop: 2, flip: false, cutout: 0 }, 9), draw({ crop: 2, flip: true, cutout: 4 }, 9)];
  expect([crop.up, crop.left]).toEqual([all.up, all.left]);
});

test('a sample is augmented anew in every epoch', () => {
  const epochs = Array.from({ length: 20 }, (_, epoch) =>
    JSON.stringify(draw({ crop: 2, flip: true, cutout: 0 }, 3, epoch)),
  );
  expect(new Set(epochs).size).toBeGreaterThan(10);
});
