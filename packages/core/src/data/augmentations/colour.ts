import { lumaOf } from '../pixels.js';

/** Pixels, HWC, 0..255, none of which is changed. */
export interface Coloured {
  readonly pixels: Uint8Array;
  readonly channels: number;
}

/** Each value times the factor: 0 is black, 1 changes nothing. */
export function brightened({ pixels }: Coloured, factor: number): Uint8Array {
  return pixels.map((value) => clamped(value * factor));
}

/** The distance of each value from the mean luma times the factor: 0 is grey, 1 changes nothing. */
export function contrasted({ pixels, channels }: Coloured, factor: number): Uint8Array {
  let sum = 0;
  for (let at = 0; at < pixels.length; at += channels) sum += lumaAt(pixels, at, channels);
  const mean = Math.round(sum / (pixels.length / channels));
  return pixels.map((value) => clamped(mean + (value - mean) * factor));
}

/** The distance of each pixel from its luma times the factor: 0 is without colour, 1 changes nothing. For 3 channels; others stay. */
export function saturated({ pixels, channels }: Coloured, factor: number): Uint8Array {
  if (channels !== 3) return pixels;
  const output = new Uint8Array(pixels.length);
  for (let at = 0; at < pixels.length; at += 3) {
    const luma = lumaAt(pixels, at, 3);
    for (let i = at; i < at + 3; i++) output[i] = clamped(luma + (pixels[i]! - luma) * factor);
  }
  return output;
}

/** A value in 0..255. */
export function clamped(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}

/** Of three channels; of others it is the first one. */
function lumaAt(pixels: Uint8Array, at: number, channels: number): number {
  return channels === 3 ? lumaOf(pixels[at]!, pixels[at + 1]!, pixels[at + 2]!) : pixels[at]!;
}
