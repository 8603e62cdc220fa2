import { type FunctionDefinition, trace, uint8 } from '@trikd/engine';
import { describe, expect, test } from 'vitest';
import { ModelSpec } from '../spec/model-spec.js';
import { OptimizerSpec } from '../spec/role-spec.js';
import type { TaskSpec } from '../tasks/registry.js';
import { taskOf } from '../tasks/task-of.js';
import { buildModel } from './build-model.js';
import { activationBytes, modelCost as costWith, trainingBytes } from './model-cost.js';

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
];

const tasks: readonly TaskSpec[] = [
  'classification',
  { kind: 'verification', embedding: 12, margin: { kind: 'softmax', scale: 8 } },
];
const headOf = (shape: (typeof shapes)[number], task?: TaskSpec) => taskOf({ task }).head(shape);
const modelCost = (spec: ModelSpec, shape: (typeof shapes)[number], task?: TaskSpec) =>
  costWith(spec, shape, headOf(shape, task));

/** The params that the engine creates for a model. */
function built(spec: ModelSpec, shape: (typeof shapes)[number], task: TaskSpec) {
  const images = uint8(1, shape.height, shape.width, shape.channels);
  const predict: FunctionDefinition<'images'> = {
    inputs: { images },
    body: (scope) => ({ logits: scope.model(scope.inputs.images, { training: false }) }),
  };
  const { variables } = trace(() => buildModel(spec, shape, headOf(shape, task), 0), { predict });
  return [...variables.values()].filter(({ kind }) => kind === 'param');
}

describe.each(specs.flatMap((written) => tasks.map((task) => ({ written, task }))))(
  'of the model $written for $task',
  ({ written, task }) => {
    const spec = ModelSpec.parse(written);

    test.each(shapes)(
      'the count of params is that of the model that is built, for images of $height x $width',
      (shape) => {
        const numbers = built(spec, shape, task).map(({ shape: axes }) =>
          axes.reduce((product, size) => product * size, 1),
        );
        expect(modelCost(spec, shape, task).params).toBe(numbers.reduce((sum, count) => sum + count, 0));
      },
    );

    test.each(shapes)(
      'the layers are its kernels, and the widest is one before the logits, for images of $height x $width',
      (shape) => {
        const kernels = built(spec, shape, task).filter(({ name }) => name.endsWith('/kernel'));
        const { layers, widest } = modelCost(spec, shape, task);
        const last = `${headOf(shape, task).at(-1)?.name}/`;
        expect({ layers, widest }).toEqual({
          layers: kernels.length,
          widest: Math.max(...kernels.filter(({ name }) => !name.startsWith(last)).map((each) => each.shape.at(-1)!)),
        });
      },
    );
  },
);

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
