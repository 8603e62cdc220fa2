import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OptimizerSpec } from '../spec/role-spec.js';
import type { TaskSpec } from '../tasks/registry.js';
import { taskOf } from '../tasks/task-of.js';
import { buildModel } from './build-model.js';
import { activationBytes, modelCost as costWith, trainingBytes } from './model-cost.js';
import { MODELS, ModelSpec } from './registry.js';

const shapes = [
  { height: 8, width: 8, channels: 1, classes: 4 },
  { height: 15, width: 9, channels: 3, classes: 11 },
];
const specs = [
  { kind: 'plain-cnn', channels: [4] },
  { kind: 'plain-cnn', channels: [4, 6, 5], hidden: [7, 3] },
  { kind: 'plain-cnn', channels: [8, 8, 4, 4, 4], hidden: [5], dropout: 0.5 },
  { kind: 'resnet', depth: 8, width: 4 },
  { kind: 'resnet', depth: 20, width: [4, 4, 6, 10] },
  { kind: 'resnet', depth: 14, width: [5, 4, 4, 4] },
  { kind: 'resnet', depth: 8, width: 3, padding: 'symmetric' },
  { kind: 'wrn', depth: 10, widen: 1 },
  { kind: 'wrn', depth: 16, widen: 2 },
  { kind: 'vgg', depth: 8 },
  { kind: 'mobilenet-v2', width: 0.3 },
  { kind: 'mobilenet-v2', width: 0.1, variant: 'imagenet' },
  { kind: 'shufflenet-v2', width: 0.5 },
  { kind: 'shufflenet-v2', width: 0.5, variant: 'imagenet' },
  { kind: 'resnet-imagenet', depth: 18, width: 3 },
  { kind: 'resnet-imagenet', depth: 34, width: 2, stem: '3x3' },
  { kind: 'resnet-imagenet', depth: 50, width: 2 },
  { kind: 'vit', patch: 1, width: 8, depth: 2, heads: 2 },
];

const tasks: readonly TaskSpec[] = [
  'classification',
  { kind: 'verification', embedding: 12, margin: { kind: 'softmax', scale: 8 } },
];
const headOf = (shape: (typeof shapes)[number], task?: TaskSpec) => taskOf({ task }).head(shape);
const modelCost = (spec: ModelSpec, shape: (typeof shapes)[number], task?: TaskSpec) =>
  costWith(spec, shape, headOf(shape, task));

/** Layers that put out the numbers of their input. */
const VIEWS = ['InputLayer', 'Reshape', 'Flatten'];

const size = (axes: readonly (number | null)[]) => axes.slice(1).reduce<number>((all, axis) => all * axis!, 1);

/** What TensorFlow.js says of the model that is built. */
function built(spec: ModelSpec, shape: (typeof shapes)[number], task?: TaskSpec) {
  const head = headOf(shape, task);
  const model = buildModel(spec, shape, head, 0);
  try {
    const count = (weights: typeof model.weights) =>
      weights.reduce((sum, weight) => sum + weight.shape.reduce<number>((all, axis) => all * axis!, 1), 0);
    const kernels = model.weights.filter(({ originalName }) => originalName.endsWith('kernel'));
    const inner = kernels.filter(({ originalName }) => !originalName.startsWith(`${head.at(-1)!.name}/`));
    const outputs = model.layers
      .filter((layer) => !VIEWS.includes(layer.getClassName()))
      .map(({ outputShape }) => size(outputShape as number[]));
    // A head of cosines also brings its input to length 1.
    const normalised = head.map(({ kind }, index) => (kind === 'cosine' ? head[index - 1]!.units : 0));
    // Attention has the scores of each pair of tokens, and their softmax.
    const scores = model.layers.map((layer) => {
      const { heads } = layer.getConfig();
      return typeof heads === 'number' ? 2 * heads * (layer.outputShape as number[])[1]! ** 2 : 0;
    });
    return {
      layers: kernels.length,
      widest: Math.max(...inner.map((each) => each.shape.at(-1)!)),
      params: count(model.weights),
      trained: count(model.trainableWeights),
      activations: [...outputs, ...normalised, ...scores].reduce((sum, each) => sum + each, 0),
    };
  } finally {
    model.dispose();
  }
}

describe.each(specs.flatMap((written) => tasks.map((task) => ({ written, task }))))(
  'the cost of the model $written for $task',
  ({ written, task }) => {
    const spec = ModelSpec.parse(written);

    test.each(shapes)('is that of the model that is built, for images of $height x $width', (shape) => {
      expect(modelCost(spec, shape, task)).toMatchObject(built(spec, shape, task));
    });
  },
);

test('the cost is that of the model that is built, for images of any size', () => {
  const side = fc.integer({ min: 8, max: 70 });
  // Kernels of a VGG are large, and attention on all pixels is.
  const spec = fc.constantFrom(...specs.filter(({ kind }) => kind !== 'vgg' && kind !== 'vit'));
  fc.assert(
    fc.property(spec, side, side, fc.integer({ min: 1, max: 4 }), (written, height, width, channels) => {
      const [parsed, shape] = [ModelSpec.parse(written), { height, width, channels, classes: 3 }];
      expect(modelCost(parsed, shape)).toMatchObject(built(parsed, shape));
    }),
    { numRuns: 40 },
  );
});

test('the cost of every network is compared', () => {
  expect(new Set(specs.map(({ kind }) => kind))).toEqual(new Set(MODELS.map(({ schema }) => schema.shape.kind.value)));
});

test('training holds the params, their gradients, and one slot for each with momentum or two with AdamW', () => {
  const cost = modelCost(ModelSpec.parse(specs[0]), shapes[0]!);
  // 3x3 kernel of 1 x 4, batch norm of 4, dense layer of 256 x 4 with bias; two statistics for each channel.
  const [trained, statistics] = [36 + 8 + 1024 + 4, 8];
  expect(cost).toMatchObject({ trained, params: trained + statistics });
  const bytes = (kind: 'sgd' | 'adamw') => trainingBytes(cost, OptimizerSpec.parse({ kind }));
  expect([bytes('sgd'), bytes('adamw')]).toEqual([4 * (3 * trained + statistics), 4 * (4 * trained + statistics)]);
});

test('training holds a gradient of every param for each backward pass', () => {
  const cost = modelCost(ModelSpec.parse(specs[0]), shapes[0]!);
  const bytes = (passes?: number) => trainingBytes(cost, OptimizerSpec.parse({ kind: 'sgd' }), passes);
  expect(bytes(3) - bytes()).toBe(4 * 2 * cost.trained);
});

test('activations grow with the batch and with the area of the images', () => {
  const spec = ModelSpec.parse({ kind: 'resnet', depth: 8 });
  const at = (side: number, batch: number) =>
    activationBytes(modelCost(spec, { height: side, width: side, channels: 3, classes: 10 }), batch);
  expect(at(16, 64)).toBe(64 * at(16, 1));
  expect(at(32, 1) / at(16, 1)).toBeCloseTo(4, 1);
});

test('a model of the largest depth and width is measured within milliseconds', () => {
  const spec = ModelSpec.parse({
    kind: 'plain-cnn',
    channels: Array(1202).fill(65_536),
    hidden: Array(1202).fill(65_536),
  });
  const began = performance.now();
  expect(modelCost(spec, shapes[0]!).params).toBeGreaterThan(1e13);
  expect(performance.now() - began).toBeLessThan(100);
});
