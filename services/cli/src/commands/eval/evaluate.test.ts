import { decodeImage } from '@trikd/model-host/data/images/image-codec';
import { expect, test } from 'vitest';
import { pictureUrl, worstSheet } from './evaluate.js';

const shape = { height: 32, width: 32, channels: 1 };

/** Images of one grey each: 10, 20, 30, ... */
const split = {
  count: 6,
  images: Uint8Array.from({ length: 6 * 1024 }, (_, i) => 10 * (1 + Math.floor(i / 1024))),
  labels: new Uint8Array(6),
};

/** The greys of the first places of the first two rows. */
function greys(details: Parameters<typeof worstSheet>[2]) {
  const { width, height, rgb } = worstSheet(shape, split, details);
  const at = (row: number, column: number) => rgb[3 * ((2 + 66 * row) * width + 2 + 66 * column)];
  return [0, 1].flatMap((row) => (66 * row + 2 < height ? [[0, 1, 2].map((column) => at(row, column))] : []));
}

test('the sheet has a row for each class that has wrong answers', () => {
  const wrong = (label: number, index: number) => ({ label, index, answer: 0, confidence: 1, nll: 9 });
  const none = { classes: [], confusion: [], calibration: [] };
  const worst = [wrong(7, 4), wrong(2, 1), wrong(7, 0)];
  expect(greys({ kind: 'classes', ...none, worst })).toEqual([
    [20, 255, 255],
    [50, 10, 255],
  ]);
});

test('hard pairs are beside each other, those of one identity in the first row', () => {
  const pair = (left: number, right: number, same: boolean) => ({ left, right, same, similarity: 0 });
  const worst = [pair(0, 1, true), pair(4, 5, false)];
  expect(greys({ kind: 'pairs', roc: [], area: 1, similarities: [], worst })).toEqual([
    [10, 20, 255],
    [50, 60, 255],
  ]);
});

test('an image is a PNG file in its URL', () => {
  const [, data = ''] = pictureUrl(shape, split, 2).split('data:image/png;base64,');
  const { height, width, rgba } = decodeImage(Buffer.from(data, 'base64'));
  expect([height, width, ...rgba.subarray(0, 4)]).toEqual([32, 32, 30, 30, 30, 255]);
});
