import { expect, test } from 'vitest';
import { modelImage, shownPixels } from './model-image.js';

/** Two columns: one red, one that is transparent. */
const picture = { height: 1, width: 2, rgba: Uint8Array.from([255, 0, 0, 255, 0, 0, 0, 0]) };

test('a picture is on white, and scaled to what the model takes', () => {
  expect([...modelImage(picture, { height: 1, width: 2, channels: 3 }, false)]).toEqual([255, 0, 0, 255, 255, 255]);
  expect([...modelImage(picture, { height: 1, width: 1, channels: 3 }, false)]).toEqual([255, 128, 128]);
  expect([...modelImage(picture, { height: 1, width: 2, channels: 1 }, false)]).toEqual([76, 255]);
});

test('inverted, white is black', () => {
  expect([...modelImage(picture, { height: 1, width: 2, channels: 1 }, true)]).toEqual([179, 0]);
});

test('one channel is shown as grey, of more the first three', () => {
  expect([...shownPixels(Uint8Array.from([7, 9]), 1)]).toEqual([7, 7, 7, 255, 9, 9, 9, 255]);
  expect([...shownPixels(Uint8Array.from([1, 2, 3, 4]), 4)]).toEqual([1, 2, 3, 255]);
});
