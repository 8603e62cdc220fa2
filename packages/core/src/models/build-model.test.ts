import type { LayersModel } from '@trikd/engine';
import { describe, expect, test } from 'vitest';
import type { ImageShape } from '../data/image-source.js';
import { TrikdError } from '../domain/errors.js';
import { classification } from '../tasks/classification/classification.js';
import { taskOf } from '../tasks/task-of.js';
import { buildModel, modelSeed } from './build-model.js';
import { ModelSpec } from './registry.js';

/** Images, and the classes of a classifier. */
type Shape = ImageShape & { readonly classes: number };

const cifar: Shape = { height: 32, width: 32, channels: 3, classes: 100 };

const build = (spec: unknown, shape: Shape, seed = 1) =>
  buildModel(ModelSpec.parse(spec), shape, classification.head(shape), seed);

/** Builds a model, looks at it, and frees it. */
function look<T>(model: LayersModel, at: (model: LayersModel) => T): T {
  try {
    return at(model);
  } finally {
    model.dispose();
  }
}

const size = (shape: readonly (number | null)[]) =>
  shape.reduce<number>((product, dimension) => product * (dimension ?? 0), 1);

const learned = (model: LayersModel) => model.trainableWeights.reduce((sum, { shape }) => sum + size(shape), 0);

const paramsOf = (model: LayersModel) =>
  new Map(model.weights.map((weight) => [weight.originalName, Array.from(weight.read().dataSync())] as const));

describe('a CIFAR ResNet', () => {
  test.each([
    [8, 83_892],
    [14, 181_108],
    [20, 278_324],
    [32, 472_756],
    [44, 667_188],
    [56, 861_620],
    [110, 1_736_564],
  ])('of depth %d and width 16 learns %d params for 100 classes', (depth, expected) => {
    expect(look(build({ kind: 'resnet', depth }, cifar), learned)).toBe(expected);
  });

  test.each([
    [8, 1_233_540],
    [32, 7_433_860],
  ])('of depth %d with widths 32, 64, 128 and 256 learns %d params', (depth, expected) => {
    expect(look(build({ kind: 'resnet', depth, width: [32, 64, 128, 256] }, cifar), learned)).toBe(expected);
  });

  test('names its params by stage, block and layer', () => {
    const names = look(build({ kind: 'resnet', depth: 8, width: 4 }, cifar), (model) =>
      model.weights.map(({ originalName }) => originalName),
    );
    const norm = (name: string) => ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((part) => `${name}/${part}`);
    const block = (name: string, changes: boolean) => [
      ...[`${name}/conv1/kernel`, ...norm(`${name}/bn1`), `${name}/conv2/kernel`, ...norm(`${name}/bn2`)],
      ...(changes ? [`${name}/shortcut/kernel`, ...norm(`${name}/shortcut_bn`)] : []),
    ];
    const expected = [
      ...['conv0/kernel', ...norm('bn0'), ...block('stage1/block0', false), ...block('stage2/block0', true)],
      ...[...block('stage3/block0', true), 'classifier/kernel', 'classifier/bias'],
    ];
    expect(new Set(names)).toEqual(new Set(expected));
    expect(names).toHaveLength(expected.length);
  });

  test('learns everything but its moving statistics', () => {
    const names = (list: LayersModel['weights']) => list.map(({ originalName }) => originalName);
    look(build({ kind: 'resnet', depth: 8, width: 2 }, cifar), (model) => {
      const rest = names(model.weights).filter((name) => !names(model.trainableWeights).includes(name));
      expect(rest.length).toBe(18);
      expect(rest.every((name) => /moving_(mean|variance)$/.test(name))).toBe(true);
    });
  });

  test.each<[number, number, number]>([
    [28, 28, 1],
    [8, 8, 1],
    [5, 7, 3],
    [1, 1, 2],
  ])('takes images of %dx%dx%d', (height, width, channels) => {
    const shape = { height, width, channels, classes: 6 };
    look(build({ kind: 'resnet', depth: 8, width: 2 }, shape), (model) => {
      expect(model.inputs[0]!.shape).toEqual([null, height, width, channels]);
      expect(model.outputs[0]!.shape).toEqual([null, 6]);
    });
  });

  test('starts kernels with the variance of He et al. over the outputs, and mean 0', () => {
    const kernel = look(build({ kind: 'resnet', depth: 8, width: 16 }, cifar), paramsOf).get(
      'stage3/block0/conv2/kernel',
    )!;
    const mean = kernel.reduce((a, b) => a + b, 0) / kernel.length;
    const deviation = Math.sqrt(kernel.reduce((sum, x) => sum + (x - mean) ** 2, 0) / kernel.length);
    // 36,864 values: the deviation is known to 0.4 %, the mean to 0.5 % of it.
    expect(deviation / Math.sqrt(2 / (9 * 64))).toBeCloseTo(1, 1.5);
    expect(Math.abs(mean)).toBeLessThan(0.02 * deviation);
  });
});

describe('a plain net', () => {
  test('of two convolutions has the params of its definition', () => {
    const model = build(
      { kind: 'plain-cnn', channels: [4, 6], hidden: [10] },
      { height: 8, width: 8, channels: 1, classes: 3 },
    );
    const expected = 9 * 4 + 2 * 4 + 9 * 4 * 6 + 2 * 6 + (4 * 4 * 6 * 10 + 10) + (10 * 3 + 3);
    look(model, (own) => {
      expect(learned(own)).toBe(expected);
      const names = ['conv0/kernel', 'bn0/gamma', 'bn0/beta', 'conv1/kernel', 'bn1/gamma', 'bn1/beta'];
      const dense = ['dense0/kernel', 'dense0/bias', 'classifier/kernel', 'classifier/bias'];
      expect(new Set(own.trainableWeights.map(({ originalName }) => originalName))).toEqual(
        new Set([...names, ...dense]),
      );
    });
  });

  test.each([
    [2, 3, 3],
    [4, 4, 7],
    [1, 1, 1],
  ])('of %d convolutions takes images of %dx%d', (convolutions, height, width) => {
    const spec = { kind: 'plain-cnn', channels: new Array(convolutions).fill(2) };
    const model = build(spec, { height, width, channels: 1, classes: 3 });
    expect(look(model, (own) => own.outputs[0]!.shape)).toEqual([null, 3]);
  });

  test('is refused when its pooling leaves nothing of the image', () => {
    const spec = { kind: 'plain-cnn', channels: new Array(8).fill(2) };
    const message = 'a plain-cnn of 8 convolutions pools 4 times, too often for images of 15x32';
    expect(() => build(spec, { height: 15, width: 32, channels: 1, classes: 3 })).toThrow(
      new TrikdError('invalid', message),
    );
    expect(look(build(spec, { height: 16, width: 32, channels: 1, classes: 3 }), learned)).toBeGreaterThan(0);
  });
});

test.each([
  [{ kind: 'vgg', depth: 8 }, 7, 32, 'a vgg8 pools 3 times, too often for images of 7x32'],
  [{ kind: 'vit', patch: 4 }, 8, 10, 'a vit with patches of 4x4 does not divide images of 8x10'],
])('%o is refused for images of %dx%d', (spec, height, width, message) => {
  expect(() => build(spec, { height, width, channels: 1, classes: 3 })).toThrow(new TrikdError('invalid', message));
});

describe.each([
  { kind: 'resnet', depth: 8, width: 2 },
  { kind: 'plain-cnn', channels: [2], hidden: [3] },
  { kind: 'wrn', depth: 10 },
  { kind: 'vgg', depth: 8 },
  { kind: 'mobilenet-v2', width: 0.1 },
  { kind: 'shufflenet-v2', width: 0.5 },
  { kind: 'resnet-imagenet', depth: 18, width: 2 },
  { kind: 'vit', width: 8, depth: 1, heads: 2 },
])('a $kind for verification', (spec) => {
  const shape = { height: 8, width: 8, channels: 1, classes: 9 };
  const head = taskOf({ task: { kind: 'verification', embedding: 5, margin: { kind: 'softmax', scale: 8 } } }).head(
    shape,
  );
  const verifier = () => buildModel(ModelSpec.parse(spec), shape, head, 1);

  test('puts out a logit for each training identity, and the embedding of the image', () => {
    expect(look(verifier(), (model) => model.outputs.map((output) => output.shape))).toEqual([
      [null, 9],
      [null, 5],
    ]);
  });

  test('has an embedding without bias, with batch norm, and a direction for each identity', () => {
    const shapes = look(verifier(), (model) => new Map(model.weights.map((each) => [each.originalName, each.shape])));
    expect(shapes.get('identities/kernel')).toEqual([5, 9]);
    expect(shapes.get('embedding/kernel')?.[1]).toBe(5);
    expect([...shapes.keys()].filter((name) => /^(embedding|classifier|identities)/.test(name)).sort()).toEqual([
      'embedding/kernel',
      ...['beta', 'gamma', 'moving_mean', 'moving_variance'].map((part) => `embedding_bn/${part}`),
      'identities/kernel',
    ]);
  });
});

describe.each([
  { kind: 'resnet', depth: 8, width: 2 },
  { kind: 'plain-cnn', channels: [2, 2], hidden: [3] },
  { kind: 'mobilenet-v2', width: 0.1 },
])('params of a $kind', (spec) => {
  const shape = { height: 4, width: 4, channels: 1, classes: 3 };
  const initial = (seed: number) => look(build(spec, shape, seed), paramsOf);

  test.each([0, 7, 0xffff_ffff])('are the same for the same seed %d', (seed) => {
    expect(initial(seed)).toEqual(initial(seed));
  });

  test('are others for another seed', () => {
    const [one, other] = [initial(7), initial(100)];
    const kernels = [...one.keys()].filter((name) => name.endsWith('kernel'));
    expect(kernels.filter((name) => one.get(name)!.join() === other.get(name)!.join())).toEqual([]);
  });

  test('differ from kernel to kernel', () => {
    const kernels = [...initial(7)]
      .filter(([name]) => name.endsWith('kernel'))
      .map(([, values]) => values.slice(0, 4).join());
    expect(new Set(kernels).size).toBe(kernels.length);
  });
});

test('every role of every stage of every run starts from a seed of its own', () => {
  const seeds = [0, 1, 2].flatMap((run) =>
    [0, 1, 2].flatMap((stage) => (['student', 'teacher'] as const).map((role) => modelSeed(run, stage, role))),
  );
  expect(new Set(seeds).size).toBe(seeds.length);
  expect(modelSeed(1, 2, 'student')).toBe(modelSeed(1, 2, 'student'));
});
