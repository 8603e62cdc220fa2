import { describe, expect, test } from 'vitest';
import { type ModelMetadata, remoteForm } from './remote-form.js';
import type { RemoteModel } from './remote-model.js';

const data = { height: 8, width: 6, channels: 3, classes: 10, batchSize: 32 };
const images = (shape: readonly number[], datatype = 'FP32') => ({ name: 'images', datatype, shape });
const logits = (shape: readonly number[] = [-1, 10], datatype = 'FP32') => ({ name: 'logits', datatype, shape });
const form = (metadata: Partial<ModelMetadata>, model: Partial<RemoteModel> = {}) =>
  remoteForm(
    { inputs: [images([-1, 8, 6, 3])], outputs: [logits()], ...metadata },
    { endpoint: 'there', model: 'm', ...model },
    data,
  );

describe('the form in which a model is asked', () => {
  test('follows from its metadata', () => {
    expect(form({})).toEqual({
      ...{ input: 'images', datatype: 'FP32', layout: 'nhwc', pixels: 'normalised', rows: 32, output: 'logits' },
    });
    expect(form({ inputs: [images([-1, 3, 8, 6], 'UINT8')], outputs: [logits([-1, -1], 'FP16')] })).toMatchObject({
      ...{ datatype: 'UINT8', layout: 'nchw', pixels: 'raw' },
    });
    expect(form({ inputs: [images([8, -1, -1, 3])], outputs: [logits([8, 10])] })).toMatchObject({ rows: 8 });
  });

  test('is what the spec says where the metadata leave it open', () => {
    const anything = { inputs: [images([-1, -1, -1, -1])], outputs: [logits(), { ...logits(), name: 'embedding' }] };
    expect(form(anything, { layout: 'nchw', output: 'logits', rows: 16, pixels: 'raw' })).toMatchObject({
      ...{ layout: 'nchw', output: 'logits', rows: 16, pixels: 'raw' },
    });
  });
});

test.each<[string, Partial<ModelMetadata>, Partial<RemoteModel>, string]>([
  ['classes', { outputs: [logits([-1, 1000])] }, {}, 'its output logits has 1000 classes, the data have 10'],
  [
    'height',
    { inputs: [images([-1, 224, 224, 3])] },
    {},
    'its input images has the shape [-1, 224, 224, 3], to which images of 8 x 6 pixels and 3 channels do not fit',
  ],
  [
    'layout',
    { inputs: [images([-1, -1, -1, -1])] },
    {},
    'its input images has the shape [-1, -1, -1, -1], which does not say the layout: set layout',
  ],
  [
    'rank',
    { inputs: [images([-1, 144])] },
    {},
    'its input images has the shape [-1, 144]: images are [rows, height, width, channels]',
  ],
  [
    'type',
    { inputs: [images([-1, 8, 6, 3], 'INT8')] },
    {},
    'its input images takes INT8: images are sent as UINT8 or FP32',
  ],
  ['output type', { outputs: [logits([-1, 10], 'INT64')] }, {}, 'its output logits is INT64: logits are FP32 or FP16'],
  [
    'output rank',
    { outputs: [logits([-1, 5, 10])] },
    {},
    'its output logits has the shape [-1, 5, 10]: logits are [rows, classes]',
  ],
  [
    'outputs',
    { outputs: [logits(), { ...logits(), name: 'more' }] },
    {},
    'it has 2 outputs (logits, more): set output',
  ],
  ['output name', {}, { output: 'probs' }, 'it has no output probs; there is logits'],
  [
    'inputs',
    { inputs: [images([-1]), images([-1])] },
    {},
    'it has 2 inputs (images, images): only models with one input can be asked',
  ],
  ['no input', { inputs: [] }, {}, 'it has no input'],
  [
    'rows',
    { inputs: [images([5, 8, 6, 3])] },
    {},
    'it takes 5 images at once, and a batch of 32 is not a multiple of that',
  ],
  ['own rows', { inputs: [images([8, 8, 6, 3])] }, { rows: 4 }, 'it takes 8 images at once, not 4 as rows says'],
  [
    'pixels',
    { inputs: [images([-1, 8, 6, 3], 'UINT8')] },
    { pixels: 'normalised' },
    'its input images takes UINT8, which cannot hold normalised pixels: set pixels: raw',
  ],
])('a model that does not fit in its %s is refused', (_what, metadata, model, message) => {
  expect(() => form(metadata, model)).toThrow(`model m at there: ${message}`);
});
