import type { TracedOp } from '@trikd/engine';
import { expect, test } from 'vitest';
import { opCosts } from './op-costs.js';

const op = (name: string, type: string, duration: number, ...inputs: readonly string[]): TracedOp => {
  return { name, type, duration, inputs, device: 'CPU:0', thread: 1, start: 0 };
};

const shapes = new Map([
  ['x', [[4, 8, 8, 2]]],
  ['filter', [[3, 3, 2, 5]]],
  ['sizes', [[4]]],
  ['dy', [[4, 8, 8, 5]]],
  ['forward', [[4, 8, 8, 5]]],
  ['dx', [[4, 8, 8, 2]]],
  ['dw', [[3, 3, 2, 5]]],
  ['open', [[-1, 8, 8, 5]]],
]);

/** Of one pass. */
const FLOPS = 2 * 4 * 8 * 8 * 3 * 3 * 2 * 5;

const passes = [
  op('forward', '_MklNativeConv2D', 10, 'x', 'filter'),
  op('dx', '_MklNativeConv2DBackpropInput', 20, 'sizes', 'filter', 'dy'),
  op('dw', 'Conv2DBackpropFilter', 60, 'x', 'sizes', 'dy'),
];

/** The same by the ops of the addon, which take no sizes. */
const ownPasses = [
  op('forward', 'TrikdConv2DMoments', 10, 'x', 'filter'),
  op('dx', 'TrikdConv2DBackpropInput', 20, 'filter', 'dy'),
  op('dw', 'TrikdConv2DBackpropFilter', 60, 'x', 'dy'),
];

test.each([[passes], [ownPasses]])('each pass of a convolution has the speed of the same operations', (ops) => {
  const { convolutions } = opCosts([ops], shapes);
  expect(convolutions.map(({ pass, ms }) => [pass, ms])).toEqual([
    ['filter gradient', 0.06],
    ['input gradient', 0.02],
    ['forward', 0.01],
  ]);
  for (const { shape, ms, gflops } of convolutions) {
    expect(shape).toBe('4x8x8x2 * 3x3x2x5');
    expect(gflops! * ms * 1e6).toBeCloseTo(FLOPS);
  }
});

test('convolutions of one shape are summed, and one of unknown shape has no speed', () => {
  const { convolutions } = opCosts(
    [
      [
        op('forward', 'Conv2D', 10, 'x', 'filter'),
        op('x2', 'Conv2D', 5, 'open', 'filter'),
        op('dx', 'Conv2D', 5, 'x', 'filter'),
      ],
    ],
    new Map([...shapes, ['dx', [[4, 8, 8, 5]]]]),
  );
  expect(convolutions.map(({ shape, count, share }) => [shape, count, share])).toEqual([
    ['4x8x8x2 * 3x3x2x5', 2, 0.75],
    ['Conv2D', 1, 0.25],
  ]);
  expect(convolutions[1]).not.toHaveProperty('gflops');
});

test('the time of an op is its median over the steps, and waiting for a queue is none', () => {
  const step = (duration: number) => [op('sum', 'Add', duration, 'x'), op('await', 'QueueDequeueV2', 1e6)];
  const { ms, kinds } = opCosts([step(9000), step(2000), step(3000)], shapes);
  expect([ms, kinds]).toEqual([3, [{ kind: 'Add', count: 1, ms: 3, share: 1 }]]);
});

test('kinds are named by what they do, and their shares sum to one', () => {
  const { kinds } = opCosts(
    [
      [
        ...passes,
        op('bn', '_MklNativeFusedBatchNormEx', 5),
        op('g', 'FusedBatchNormGradV3', 3),
        op('own', 'TrikdBatchNormRelu', 1),
        op('own_g', 'TrikdBatchNormGrad', 1),
        op('m', 'ResourceApplyKerasMomentum', 2),
      ],
    ],
    shapes,
  );
  expect(kinds.map(({ kind }) => kind)).toEqual([
    'filter gradient of a convolution',
    'input gradient of a convolution',
    'convolution',
    'batch normalisation',
    'gradient of batch normalisation',
    'optimizer',
  ]);
  expect(kinds.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
});
