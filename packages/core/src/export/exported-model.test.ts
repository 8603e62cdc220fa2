import { type RandomModelSettings, randomModel } from '@trikd/testing/training/random-model';
import { describe, expect, test } from 'vitest';
import { compareOutputs, TOLERANCE } from './compare-outputs.js';
import { layersModelFiles, layersModelOutputs, loadLayersModel } from './layers-model.js';
import { exportFiles } from './write-export.js';

const images = { kind: 'synthetic', classes: 5, train: 64, validation: 24, test: 20, channels: 3 } as const;
const sized = (height: number, width: number) => ({ ...images, height, width });

const MODELS: readonly RandomModelSettings[] = [
  { model: { kind: 'resnet', depth: 8, width: 4 }, data: sized(9, 12) },
  {
    model: { kind: 'plain-cnn', channels: [4, 6, 5], hidden: [7], dropout: 0.5 },
    data: { ...sized(8, 7), channels: 1 },
  },
  { model: { kind: 'wrn', depth: 10 }, data: sized(8, 9) },
  { model: { kind: 'vgg', depth: 8 }, data: sized(16, 16) },
  { model: { kind: 'mobilenet-v2', width: 0.25 }, data: sized(16, 17) },
  { model: { kind: 'shufflenet-v2', width: 0.5 }, data: sized(16, 16) },
  { model: { kind: 'resnet-imagenet', depth: 18, width: 4 }, data: sized(32, 33) },
];

describe.each(MODELS)('a $model.kind', (settings) => {
  test('computes in TensorFlow.js what its checkpoint computes in the engine', async () => {
    const { graph, images: pixels, outputs } = await randomModel(settings);
    const model = await loadLayersModel(await layersModelFiles(graph));
    const compared = compareOutputs(await layersModelOutputs(model, graph, pixels), outputs, graph.output.size);
    expect(compared).toMatchObject({ images: 20, agreeing: 20 });
    expect(compared.difference).toBeLessThan(TOLERANCE);
  });

  test('in float16 takes half the bytes and is close, not equal', async () => {
    const { graph, images: pixels, outputs } = await randomModel(settings);
    const [whole, half] = [await layersModelFiles(graph), await layersModelFiles(graph, 'float16')];
    const model = await loadLayersModel(half);
    const { difference } = compareOutputs(await layersModelOutputs(model, graph, pixels), outputs, graph.output.size);
    expect(difference).toBeGreaterThan(TOLERANCE / 10);
    expect(difference).toBeLessThan(0.05);
    expect(half.get('weights.bin')!.length).toBeLessThan(0.75 * whole.get('weights.bin')!.length);
  });
});

test.each(MODELS.slice(0, 2))('a $model.kind is written with the same bytes again', async (settings) => {
  const [first, second] = [await randomModel(settings), await randomModel(settings)];
  for (const format of ['onnx', 'tfjs', 'savedmodel', 'pytorch'] as const) {
    const metadata = { run: 'random' };
    expect(await exportFiles(format, second.graph, 'float32', metadata), format).toEqual(
      await exportFiles(format, first.graph, 'float32', metadata),
    );
  }
});

test('a model with an embedding has it as its only output, without the head that the training needs', async () => {
  const {
    graph,
    images: pixels,
    outputs,
  } = await randomModel({
    model: { kind: 'plain-cnn', channels: [4] },
    data: { kind: 'synthetic-identities', perIdentity: 2, train: 40, validation: 50, test: 12 },
    task: { kind: 'verification', embedding: 6, margin: { kind: 'cosface', margin: 0.1, scale: 8 } },
  });
  expect(graph.output).toMatchObject({ name: 'embedding', size: 6 });
  const model = await loadLayersModel(await layersModelFiles(graph));
  const { difference } = compareOutputs(await layersModelOutputs(model, graph, pixels), outputs, 6);
  expect(difference).toBeLessThan(TOLERANCE / 10);
});

test('a vit is refused by the first of its layers that no format has', async () => {
  const vit = { kind: 'vit', patch: 4, width: 8, depth: 1, heads: 2 } as const;
  await expect(randomModel({ model: vit, data: sized(8, 8) })).rejects.toMatchObject({
    kind: 'invalid',
    message: expect.stringMatching(/layers of the kind TrikdPositions cannot be exported$/),
  });
});
