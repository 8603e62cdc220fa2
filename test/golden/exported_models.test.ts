import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareOutputs, TOLERANCE } from '@trikd/core/export/compare-outputs';
import { PRECISIONS, type Precision } from '@trikd/core/export/export-format';
import { layersModelFiles, layersModelOutputs, loadLayersModel } from '@trikd/core/export/layers-model';
import { exportFiles } from '@trikd/core/export/write-export';
import { manyLayersModel } from '@trikd/testing/training/many-layers';
import { type RandomModel, type RandomModelSettings, randomModel } from '@trikd/testing/training/random-model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONSUMED_FORMATS, type ConsumedFormat, consumerOf } from './consumers.js';

const data = { kind: 'synthetic', height: 28, width: 28, classes: 10, test: 256 } as const;
const MODELS: Readonly<Record<string, RandomModelSettings>> = {
  // An even side and a stride of 2: more zeros after the image than before it.
  'resnet of depth 14': { model: { kind: 'resnet', depth: 14, width: 8 }, data: { ...data, channels: 3 } },
  'plain-cnn with dense layers': {
    model: { kind: 'plain-cnn', channels: [6, 8, 10], hidden: [20] },
    data: { ...data, channels: 1 },
  },
  'mobilenet-v2 with depthwise convolutions': {
    model: { kind: 'mobilenet-v2', width: 0.25 },
    data: { ...data, channels: 3 },
  },
  'shufflenet-v2 with channels in two halves': {
    model: { kind: 'shufflenet-v2', width: 0.5 },
    data: { ...data, channels: 1 },
  },
  'vit with attention': {
    model: { kind: 'vit', patch: 7, width: 24, depth: 2, heads: 3 },
    data: { ...data, channels: 3 },
  },
  'module with many layers': { model: manyLayersModel(), data: { ...data, channels: 3 } },
};

const folder = mkdtempSync(join(tmpdir(), 'trikd-exported-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a consumer computes with the exports of each precision. */
async function consumed(
  format: ConsumedFormat,
  { graph, images }: RandomModel,
  consumer: ReturnType<typeof consumerOf>,
): Promise<Readonly<Record<Precision, Float32Array>>> {
  const place = mkdtempSync(join(folder, format));
  writeFileSync(join(place, 'images'), images);
  for (const precision of PRECISIONS) {
    mkdirSync(join(place, precision));
    const files = await exportFiles(format, graph, precision, { run: 'golden' });
    for (const [name, content] of files) writeFileSync(join(place, precision, name), content);
  }
  const folders = PRECISIONS.map((each) => join(place, each));
  const [float32, float16, int8] = consumer(join(place, 'images'), graph.image, folders);
  return { float32: float32!, float16: float16!, int8: int8! };
}

/** Images on which TensorFlow.js, in JavaScript, says what a model in int8 computes. */
const FEW = 32;

async function fewInInt8({ graph, images }: RandomModel): Promise<Float32Array> {
  const layers = await loadLayersModel(await layersModelFiles(graph, 'int8'));
  const outputs = await layersModelOutputs(layers, graph, images.subarray(0, (FEW * images.length) / 256));
  layers.dispose();
  return outputs;
}

describe.each(Object.entries(MODELS))('of a %s', (_, settings) => {
  let model: RandomModel;
  let int8: Float32Array;
  beforeAll(async () => {
    model = await randomModel(settings);
    int8 = await fewInInt8(model);
  });

  describe.each(CONSUMED_FORMATS)('the %s file', (format) => {
    const consumer = consumerOf(format);
    let outputs: Readonly<Record<Precision, Float32Array>>;
    beforeAll(async () => {
      outputs = await consumed(format, model, consumer);
    });
    const apart = (of: Float32Array, from: Float32Array) =>
      compareOutputs(of.subarray(0, from.length), from, model.graph.output.size);

    test('computes what the engine computes, on 256 images', () => {
      const compared = apart(outputs.float32, model.outputs);
      expect(compared.images).toBe(256);
      expect(compared.difference).toBeLessThan(TOLERANCE);
    });

    test('in float16 is close to it, and not equal', () => {
      const { difference } = apart(outputs.float16, model.outputs);
      expect(difference).toBeGreaterThan(TOLERANCE / 10);
      expect(difference).toBeLessThan(0.05);
    });

    test('in int8 computes what the exported layers in int8 compute', () => {
      expect(apart(outputs.int8, int8).difference).toBeLessThan(TOLERANCE);
      expect(apart(outputs.int8, model.outputs).difference).toBeGreaterThan(TOLERANCE);
    });
  });
});
