import { manyLayersModel } from '@trikd/testing/training/many-layers';
import { type RandomModelSettings, randomModel } from '@trikd/testing/training/random-model';
import { beforeAll, describe, expect, test } from 'vitest';
import { compareOutputs, TOLERANCE } from './compare-outputs.js';
import { quantised } from './export-format.js';
import { layersModelFiles, layersModelOutputs, loadLayersModel } from './layers-model.js';
import type { GraphNode, ModelGraph } from './model-graph.js';
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
  { model: { kind: 'vit', width: 12, depth: 2, heads: 3 }, data: sized(8, 12) },
  { model: manyLayersModel(), data: sized(9, 8) },
];

/** A model whose kernels are what readers of int8 get. */
function withRoundedKernels(graph: ModelGraph): ModelGraph {
  const nodes = graph.nodes.map((node): GraphNode => {
    const { operation, shape } = node;
    if (!('kernel' in operation)) return node;
    const { values, scales } = quantised(operation.kernel, 'last', shape.at(-1)!);
    const data = Float32Array.from(values, (value, index) => value * scales[index % scales.length]!);
    return { ...node, operation: { ...operation, kernel: { ...operation.kernel, data } } };
  });
  return { ...graph, nodes };
}

describe.each(MODELS)('a $model.kind', (settings) => {
  /** The tests only read it. */
  let made: ReturnType<typeof randomModel>;
  beforeAll(() => {
    made = randomModel(settings);
  });

  test('computes in TensorFlow.js what its checkpoint computes in the engine', async () => {
    const { graph, images: pixels, outputs } = await made;
    const model = await loadLayersModel(await layersModelFiles(graph));
    const compared = compareOutputs(await layersModelOutputs(model, graph, pixels), outputs, graph.output.size);
    expect(compared).toMatchObject({ images: 20, agreeing: 20 });
    expect(compared.difference).toBeLessThan(TOLERANCE);
  });

  test('in float16 takes half the bytes and is close, not equal', async () => {
    const { graph, images: pixels, outputs } = await made;
    const [whole, half] = [await layersModelFiles(graph), await layersModelFiles(graph, 'float16')];
    const model = await loadLayersModel(half);
    const { difference } = compareOutputs(await layersModelOutputs(model, graph, pixels), outputs, graph.output.size);
    expect(difference).toBeGreaterThan(TOLERANCE / 10);
    expect(difference).toBeLessThan(0.05);
    expect(half.get('weights.bin')!.length).toBeLessThan(0.75 * whole.get('weights.bin')!.length);
  });

  test('in int8 is close, not equal, and the same numbers as its kernels rounded channel by channel', async () => {
    const { graph, images: pixels, outputs } = await made;
    const [files, rounded] = [await layersModelFiles(graph, 'int8'), await layersModelFiles(withRoundedKernels(graph))];
    const computed = async (of: typeof files) => layersModelOutputs(await loadLayersModel(of), graph, pixels);
    const quantised = await computed(files);
    const { difference } = compareOutputs(quantised, outputs, graph.output.size);
    expect(difference).toBeGreaterThan(TOLERANCE);
    expect(difference).toBeLessThan(1);
    expect(compareOutputs(quantised, await computed(rounded), graph.output.size).difference).toBeLessThan(TOLERANCE);
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
