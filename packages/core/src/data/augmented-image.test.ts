import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { AugmentSpec } from '../spec/data-spec.js';
import { RunSpec } from '../spec/run-spec.js';
import { AugmentList, IMAGE_AUGMENTATIONS } from './augmentations/registry.js';
import { drawAugmentation, writeAugmented } from './augmented-image.js';
import { makeBatch } from './batch.js';
import { type Augmentation, applyAugmentation } from './geometry.js';
import { type ImageShape, imageBytes } from './image-source.js';
import { splitDataset } from './split.js';
import { syntheticSource } from './synthetic.js';

describe('augment', () => {
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
    const stream = { purpose: 'augmentation', seed: 1, stage: 0, epoch } as const;
    return drawAugmentation(spec, shape, { stream, sample });
  }

  test('with everything off the pixels stay as they are', () => {
    fc.assert(
      fc.property(image, fc.nat(0xffffffff), ({ shape: ofImage, input }, sample) => {
        const stream = { purpose: 'augmentation', seed: 1, stage: 0, epoch: 0 } as const;
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
});

describe('augmented image', () => {
  type Written = z.input<typeof AugmentList>;

  const data = { kind: 'synthetic', train: 48, validation: 8, test: 8, channels: 3, height: 12, width: 10 } as const;

  function setting(augment: Written) {
    const role = { model: { kind: 'plain-cnn', channels: [2] }, objective: [{ kind: 'task' }] };
    const spec = RunSpec.parse({
      name: 'x',
      seed: 5,
      data,
      augment,
      batchSize: 16,
      epochs: 2,
      student: role,
      teacher: role,
    });
    if (spec.data.kind !== 'synthetic') throw new Error('not synthetic');
    return { spec, dataset: splitDataset(syntheticSource(spec.data, spec.seed), spec.data, spec.seed) };
  }

  const { dataset } = setting([]);

  function image(augment: Written, sample: number, epoch = 0) {
    const pixels = new Uint8Array(imageBytes(dataset)).fill(77);
    const mixed = writeAugmented(dataset, AugmentSpec.parse(augment), { seed: 1, stage: 0, epoch, sample }, pixels);
    return { pixels, mixed };
  }

  const raw = (sample: number) => dataset.train.images.subarray(sample * 360, (sample + 1) * 360);

  test('an empty list changes no pixel', () => {
    expect(image([], 7)).toEqual({ pixels: raw(7), mixed: undefined });
  });

  test.each(IMAGE_AUGMENTATIONS.map(({ kind }) => kind))(
    '%s differs between epochs, and never by its place in time',
    (kind) => {
      const list = [{ kind }] as Written;
      const epochs = Array.from({ length: 24 }, (_, epoch) => image(list, 3, epoch).pixels.join());
      expect(new Set(epochs).size).toBeGreaterThan(1);
      expect(image(list, 3, 0).pixels.join()).toBe(epochs[0]);
    },
  );

  test('a list ends with what the first augmentations made of the image', () => {
    const black = image(
      [
        { kind: 'crop', padding: 3 },
        { kind: 'cutout', size: 40 },
      ],
      5,
    ).pixels;
    expect(black.every((value) => value === 0)).toBe(true);
  });

  test('an augmentation that draws more leaves the draws of the next', () => {
    const [few, many] = [1, 5].map((operations) => {
      const none = { kind: 'rand-augment', operations, magnitude: 0 } as const;
      return Array.from({ length: 40 }, (_, sample) => image([none, { kind: 'cutout', size: 5 }], sample).pixels);
    });
    const holes = (images: readonly Uint8Array[]) => images.map((pixels) => pixels.indexOf(0));
    expect(holes(few!).filter((at, sample) => at === holes(many!)[sample]).length).toBeGreaterThan(20);
  });

  test('mixup is the mean of two images, weighted by the share of the labels', () => {
    for (let sample = 0; sample < 20; sample++) {
      const { pixels, mixed } = image([{ kind: 'mixup' }], sample);
      const own = raw(sample);
      const others = Array.from({ length: dataset.train.count }, (_, other) => other).filter((other) => {
        const expected = own.map((value, i) => Math.round(mixed!.share * value + (1 - mixed!.share) * raw(other)[i]!));
        return dataset.train.labels[other] === mixed!.label && Buffer.compare(expected, pixels) === 0;
      });
      expect(others.length).toBeGreaterThan(0);
    }
  });

  test('what is mixed in is augmented as it is itself', () => {
    const black = [{ kind: 'cutout', size: 40 }, { kind: 'mixup' }] as Written;
    expect(image(black, 2).pixels.every((value) => value === 0)).toBe(true);
  });

  test('the share of a label after cutmix is that of its pixels', () => {
    // Pixels of an image and of a partner differ nearly everywhere: they are noise.
    const shares = Array.from({ length: 40 }, (_, sample) => {
      const { pixels, mixed } = image([{ kind: 'cutmix' }], sample);
      const kept = raw(sample).filter((value, i) => value === pixels[i]).length / pixels.length;
      return { kept, share: mixed!.share };
    });
    for (const { kept, share } of shares) expect(Math.abs(kept - share)).toBeLessThan(0.05);
    expect(shares.some(({ share }) => share > 0.2 && share < 0.8)).toBe(true);
  });

  test('shares from Beta(alpha, alpha) have its mean and its variance', () => {
    for (const alpha of [0.2, 1, 8]) {
      const shares = Array.from({ length: 4000 }, (_, i) => image([{ kind: 'mixup', alpha }], i % 48, i).mixed!.share);
      const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
      const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length;
      const expected = 1 / (4 * (2 * alpha + 1));
      expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(expected / shares.length));
      expect(Math.abs(variance / expected - 1)).toBeLessThan(0.1);
    }
  });

  test('of two ways to mix each image gets one', () => {
    const both: Written = [{ kind: 'mixup', probability: 0.5 }, { kind: 'cutmix' }];
    const counts = { mixup: 0, cutmix: 0, none: 0 };
    for (let i = 0; i < 400; i++) {
      const { pixels, mixed } = image(both, i % 48, i);
      const copied = raw(i % 48).filter((value, at) => value === pixels[at]).length / 360;
      if (!mixed) counts.none++;
      else if (Math.abs(copied - mixed.share) < 0.05) counts.cutmix++;
      else counts.mixup++;
    }
    expect(Math.abs(counts.none - 100)).toBeLessThan(40);
    expect(Math.abs(counts.cutmix - 200)).toBeLessThan(60);
  });

  test('a batch has both labels of a row, and its digest depends on the share', () => {
    const mixed = setting([{ kind: 'mixup' }]);
    const { mix, labels, digest } = makeBatch(mixed.dataset, mixed.spec, 0, 1);
    expect([...mix!.labels]).not.toEqual([...labels]);
    expect([...mix!.shares].every((share) => share > 0 && share < 1)).toBe(true);
    expect(makeBatch(mixed.dataset, mixed.spec, 0, 1).digest).toBe(digest);
  });

  test.each([
    [[{ kind: 'mixup' }, { kind: 'flip' }], 'mixup mix whole images: put them at the end of the list'],
    [[{ kind: 'cutmix' }, { kind: 'cutmix' }], 'each of mixup and cutmix is listed once'],
  ])('%j is refused', (list, message) => {
    const { error } = AugmentSpec.safeParse(list);
    expect(error!.issues.map((issue) => issue.message)).toEqual([message]);
  });
});
