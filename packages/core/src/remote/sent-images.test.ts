import { expect, test } from 'vitest';
import { sentImages } from './sent-images.js';

const shape = { height: 1, width: 2, channels: 3 };
const normalisation = { mean: [0.1, 0.5, 0.9], std: [0.2, 0.3, 1] };
const form = { input: 'images', output: 'logits', rows: 1, datatype: 'FP32', layout: 'nhwc', pixels: 'raw' } as const;
const image = Uint8Array.of(0, 1, 2, 253, 254, 255);
const floats = (bytes: Uint8Array) => [...new Float32Array(bytes.buffer)];

test('raw pixels keep their values, and channels come first where the model wants them so', () => {
  expect(sentImages({ ...form, datatype: 'UINT8' }, shape, normalisation)(image)).toEqual(image);
  expect(sentImages({ ...form, datatype: 'UINT8', layout: 'nchw' }, shape, normalisation)(image)).toEqual(
    Uint8Array.of(0, 253, 1, 254, 2, 255),
  );
  expect(floats(sentImages({ ...form, layout: 'nchw' }, shape, normalisation)(image))).toEqual([
    0, 253, 1, 254, 2, 255,
  ]);
});

test('normalised pixels are (pixel / 255 - mean) / std of their channel, rounded to float32 after each operation', () => {
  const sent = floats(sentImages({ ...form, pixels: 'normalised' }, shape, normalisation)(image));
  for (const [at, pixel] of image.entries()) {
    const [mean, std] = [normalisation.mean[at % 3]!, normalisation.std[at % 3]!];
    expect(sent[at]).toBeCloseTo((pixel / 255 - mean) / std, 5);
    const scaled = Math.fround(pixel * Math.fround(1 / (255 * std)));
    expect(sent[at]).toBe(Math.fround(scaled + Math.fround(-mean / std)));
  }
});
