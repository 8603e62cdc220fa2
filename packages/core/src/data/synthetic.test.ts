import { expect, test } from 'vitest';
import { DataSpec } from '../spec/data-spec.js';
import { type SyntheticSpec, syntheticSource } from './synthetic.js';

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
  const [clean, noisy] = [0, 8].map((noise) => syntheticSource(spec({ ...shape, noise }), 5).train.images);
  const away = [...clean!].flatMap((pixel, i) => (pixel > 40 && pixel < 215 ? [noisy![i]! - pixel] : []));
  const mean = away.reduce((sum, difference) => sum + difference, 0) / away.length;
  const deviation = Math.sqrt(away.reduce((sum, difference) => sum + difference ** 2, 0) / away.length);
  expect(away.length).toBeGreaterThan(10_000);
  expect(Math.abs(mean)).toBeLessThan(0.3);
  expect(Math.abs(deviation - 8)).toBeLessThan(0.3);
});
