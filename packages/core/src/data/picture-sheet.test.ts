import { expect, test } from 'vitest';
import { AugmentSpec } from '../spec/data-spec.js';
import { contactSheet } from './picture-sheet.js';
import type { Dataset } from './split.js';

const NONE = AugmentSpec.parse({ crop: 0, flip: false, cutout: 0 });

/** Images of one colour, whose class is `i % classes`. */
function datasetOf(count: number, classes: number, side: number, channels = 1): Dataset {
  const size = side * side * channels;
  const images = Uint8Array.from({ length: count * size }, (_, i) => 1 + Math.floor(i / size));
  const train = { count, images, labels: Uint8Array.from({ length: count }, (_, i) => i % classes) };
  const rest = { validation: train, test: train, digest: '', mean: [], std: [] };
  return { height: side, width: side, channels, classes, train, ...rest };
}

test('each class has a row, and small images are enlarged', () => {
  const { height, width, rgb } = contactSheet(datasetOf(6, 2, 32), NONE, 0);
  expect([height, width]).toEqual([2 * 66 + 2, 12 * 66 + 2]);
  const at = (y: number, x: number) => [...rgb.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
  expect(at(0, 0)).toEqual([255, 255, 255]);
  expect([at(2, 2), at(65, 65), at(2, 68), at(68, 2)]).toEqual([1, 1, 3, 2].map((grey) => [grey, grey, grey]));
  expect(at(2, 3 * 66 + 2)).toEqual([255, 255, 255]);
});

test('many classes and large images do not make a large sheet', () => {
  const { height, width } = contactSheet(datasetOf(40, 40, 300, 3), NONE, 0);
  expect(Math.max(height, width)).toBeLessThan(2100);
});

test('images are shown after augmentation', () => {
  const dataset = datasetOf(6, 2, 32);
  const blank = AugmentSpec.parse({ crop: 0, flip: false, cutout: 64 });
  const { rgb } = contactSheet(dataset, blank, 0);
  expect(rgb.filter((value) => value === 0).length).toBeGreaterThan(rgb.filter((value) => value === 1).length);
});
