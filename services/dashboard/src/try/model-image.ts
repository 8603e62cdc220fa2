import { onWhite, type Picture, scaled } from '@trikd/core/data/pixels';
import type { ModelFacts } from './inference.js';

/**
 * A picture as a model takes it: read as pictures of an image folder are, on a white ground, then scaled.
 * @returns height x width x channels, 0..255
 */
export function modelImage(picture: Picture, shape: ModelFacts['shape'], inverted: boolean): Uint8Array {
  const { height, width } = picture;
  const { channels } = shape;
  const pixels = scaled(onWhite(picture, channels), { height, width, channels }, shape);
  return inverted ? pixels.map((value) => 255 - value) : pixels;
}

/** Pixels of a model as red, green, blue and alpha, to be looked at. Of more than three channels, the first three are shown. */
export function shownPixels(pixels: Uint8Array, channels: number): Uint8ClampedArray<ArrayBuffer> {
  const count = pixels.length / channels;
  const rgba = new Uint8ClampedArray(4 * count).fill(255);
  for (let at = 0; at < count; at++) {
    for (let channel = 0; channel < 3; channel++) {
      rgba[4 * at + channel] = pixels[at * channels + (channels < 3 ? 0 : channel)] ?? 0;
    }
  }
  return rgba;
}
