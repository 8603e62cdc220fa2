import { expect, test } from 'vitest';
import { atOnce } from '../async/slices.js';
import { DataSpec } from '../spec/data-spec.js';
import { allPixels } from './image-source.js';
import { makingIdentities, type SyntheticIdentitiesSpec, type SyntheticSpec, syntheticSource } from './synthetic.js';

function spec(changed: Partial<SyntheticSpec> = {}): SyntheticSpec {
  const parsed = DataSpec.parse({ kind: 'synthetic', ...changed });
  if (parsed.kind !== 'synthetic') throw new Error('not synthetic');
  return parsed;
}

test('the same seed makes the same images, another seed others', () => {
  expect(syntheticSource(spec(), 1)).toEqual(syntheticSource(spec(), 1));
  expect(syntheticSource(spec(), 1).train.images).not.toEqual(syntheticSource(spec(), 2).train.images);
});

test('classes are balanced to within one image', () => {
  const { train } = syntheticSource(spec({ train: 90, validation: 11, classes: 7 }), 0);
  const counts = Array.from({ length: 7 }, (_, label) => train.labels.filter((one) => one === label).length);
  expect(train.count).toBe(101);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
});

test('without noise all images of a class are alike and classes differ', () => {
  const { train } = syntheticSource(spec({ noise: 0, classes: 2 }), 3);
  const image = (i: number) => [...train.images.subarray(i * 64, (i + 1) * 64)];
  expect(image(0)).toEqual(image(2));
  expect(image(0)).not.toEqual(image(1));
});

test('the noise has the deviation asked for', () => {
  const shape = { height: 32, width: 32, train: 30, validation: 2, classes: 2 };
  const [clean, noisy] = [0, 8].map((noise) => allPixels(syntheticSource(spec({ ...shape, noise }), 5).train));
  const away = [...clean!].flatMap((pixel, i) => (pixel > 40 && pixel < 215 ? [noisy![i]! - pixel] : []));
  const mean = away.reduce((sum, difference) => sum + difference, 0) / away.length;
  const deviation = Math.sqrt(away.reduce((sum, difference) => sum + difference ** 2, 0) / away.length);
  expect(away.length).toBeGreaterThan(10_000);
  expect(Math.abs(mean)).toBeLessThan(0.3);
  expect(Math.abs(deviation - 8)).toBeLessThan(0.3);
});

function identities(changed: Partial<SyntheticIdentitiesSpec> = {}) {
  const parsed = DataSpec.parse({ kind: 'synthetic-identities', ...changed });
  if (parsed.kind !== 'synthetic-identities') throw new Error('no identities');
  return atOnce(makingIdentities(parsed, 3));
}

test('every synthetic identity has its images in training or in test files, alike but for the noise', () => {
  const { train, test: tested, classes } = identities({ perIdentity: 3, train: 9, validation: 3, test: 6, noise: 0 });
  expect([...train.labels]).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
  expect([...tested.labels]).toEqual([4, 4, 4, 5, 5, 5]);
  expect(classes).toBe(6);
  const image = (i: number) => [...train.images.subarray(i * 64, (i + 1) * 64)];
  expect(image(0)).toEqual(image(2));
  expect(image(0)).not.toEqual(image(3));
});

test('images of one identity have noise of their own', () => {
  const { images } = identities({ noise: 9 }).train;
  expect(images.subarray(0, 64)).not.toEqual(images.subarray(64, 128));
});

test('a number of images that is no whole number of identities is refused', () => {
  const parsed = DataSpec.safeParse({ kind: 'synthetic-identities', perIdentity: 4, validation: 10 });
  expect(parsed.error?.issues).toMatchObject([
    { path: ['validation'], message: '10 images are not a whole number of identities of 4 images' },
  ]);
});
