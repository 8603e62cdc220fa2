import { describe, expect, test } from 'vitest';
import type { InputTensor } from './inference.js';
import { readImages } from './read-images.js';

const takes = {
  shape: { height: 2, width: 3, channels: 1 },
  output: { name: 'logits', columns: 4 },
  requestRows: 5,
} as const;

const request = (changes: Partial<InputTensor> = {}, outputs: readonly string[] = []) => {
  const input: InputTensor = {
    ...{ name: 'images', datatype: 'UINT8', shape: [2, 2, 3, 1] },
    content: { bytes: new Uint8Array(12).fill(7) },
    ...changes,
  };
  return { model: 'm', version: '', inputs: [input], outputs };
};

test('images of uint8 are read where they are, and floats from bytes at any place', () => {
  const bytes = new Uint8Array(12).fill(7);
  expect(readImages(request({ content: { bytes } }), takes)).toEqual({ rows: 2, pixels: bytes });
  const floats = Float32Array.from({ length: 12 }, (_, at) => at + 0.5);
  const message = new Uint8Array(49);
  message.set(new Uint8Array(floats.buffer), 1);
  const { pixels } = readImages(request({ datatype: 'FP32', content: { bytes: message.subarray(1) } }), takes);
  expect(pixels).toEqual(floats);
});

test('numbers one after another are images too', () => {
  const values = [0, 1, 2, 3, 4, 255];
  const shape = [1, 2, 3, 1];
  expect(readImages(request({ shape, content: { values } }), takes).pixels).toEqual(Uint8Array.from(values));
  const { pixels } = readImages(request({ shape, datatype: 'FP32', content: { values } }), takes);
  expect(pixels).toEqual(Float32Array.from(values));
});

describe('refuses', () => {
  test.each<[string, Partial<InputTensor>, string]>([
    ['another name', { name: 'pixels' }, 'the request has pixels of UINT8'],
    ['another type', { datatype: 'FP64' }, 'the request has images of FP64'],
    ['a type that every object has', { datatype: 'constructor' }, 'the request has images of constructor'],
    [
      'images of another size',
      { shape: [2, 3, 2, 1] },
      'the shape of images is [2, 3, 2, 1]: the model takes one input',
    ],
    ['too few dimensions', { shape: [12] }, 'the shape of images is [12]'],
    ['no rows', { shape: [0, 2, 3, 1] }, 'the shape of images is [0, 2, 3, 1]'],
    ['a negative number of rows', { shape: [-1, 2, 3, 1] }, 'the shape of images is [-1, 2, 3, 1]'],
    ['a part of a row', { shape: [1.5, 2, 3, 1] }, 'the shape of images is [1.5, 2, 3, 1]'],
    ['more rows than it has data for', { shape: [5, 2, 3, 1] }, 'images needs 30 bytes for its shape, and has 12'],
    ['more rows than the limit', { shape: [2 ** 40, 2, 3, 1] }, 'serving.requestRows allows 5 rows in a request'],
    ['no content', { content: { values: [] } }, 'images needs 12 elements for its shape, and has 0'],
    [
      'a number that is no byte',
      { shape: [1, 2, 3, 1], content: { values: [0, 0, 256, 0, 0, 0] } },
      'images is 256 at element 2, and UINT8 has 0 to 255',
    ],
    [
      'images that are normalised already',
      { shape: [1, 2, 3, 1], datatype: 'FP32', content: { values: [0, 0, -1.5, 0, 0, 0] } },
      'images is -1.5 at element 2: values are 0 to 255, and the model normalises them itself',
    ],
    [
      'what is no number',
      { shape: [1, 2, 3, 1], datatype: 'FP32', content: { values: [0, 0, Number.NaN, 0, 0, 0] } },
      'images is NaN at element 2',
    ],
  ])('%s', (_, changes, message) => {
    expect(() => readImages(request(changes), takes)).toThrow(
      expect.objectContaining({ kind: 'invalid', message: expect.stringContaining(message) }),
    );
  });

  test('two inputs, and none', () => {
    const { inputs } = request();
    for (const wrong of [[], [...inputs, ...inputs]]) {
      const message = `the request has ${wrong.length} inputs: the model takes one input, images, of UINT8 or FP32 [rows, 2, 3, 1]`;
      expect(() => readImages({ ...request(), inputs: wrong }, takes)).toThrow(message);
    }
  });

  test('an output that the model does not have', () => {
    expect(() => readImages(request({}, ['softmax']), takes)).toThrow('the model has no output softmax, only logits');
  });
});
