import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { classification } from '../tasks/classification/classification.js';
import { modelCost } from './model-cost.js';
import { MODELS, ModelSpec } from './registry.js';

/** Rows of the table of docs/models.md: the name in the literature, and the spec. */
const NAMED: readonly (readonly [name: string, spec: Readonly<Record<string, unknown>>])[] = [
  ...[8, 14, 20, 32, 44, 56, 110].map((depth) => [`resnet${depth}`, { kind: 'resnet', depth }] as const),
  ...[8, 32].map((depth) => [`resnet${depth}x4`, { kind: 'resnet', depth, width: [32, 64, 128, 256] }] as const),
  ...[
    [16, 1],
    [16, 2],
    [40, 1],
    [40, 2],
  ].map(([depth, widen]) => [`wrn-${depth}-${widen}`, { kind: 'wrn', depth, widen }] as const),
  ...[8, 11, 13, 16, 19].map((depth) => [`vgg${depth}`, { kind: 'vgg', depth }] as const),
  ['MobileNetV2, half', { kind: 'mobilenet-v2', width: 0.5 }],
  ['MobileNetV2', { kind: 'mobilenet-v2' }],
  ['ShuffleNetV2, half', { kind: 'shufflenet-v2', width: 0.5 }],
  ['ShuffleNetV2', { kind: 'shufflenet-v2' }],
  ...[18, 34, 50].map((depth) => [`ResNet-${depth}`, { kind: 'resnet-imagenet', depth, stem: '3x3' }] as const),
  ['ViT, 6 blocks', { kind: 'vit' }],
  ['ViT-Ti, patches of 4', { kind: 'vit', depth: 12 }],
];

function costOf(spec: object, side: number, classes: number) {
  const shape = { height: side, width: side, channels: 3 };
  return modelCost(ModelSpec.parse(spec), shape, classification.head({ classes }));
}

const named = new Map(NAMED);

describe('for 32x32x3 and 100 classes', () => {
  test.each([
    ['resnet8', 83_892, 12.5],
    ['resnet14', 181_108, 26.7],
    ['resnet20', 278_324, 40.8],
    ['resnet32', 472_756, 69.1],
    ['resnet44', 667_188, 97.4],
    ['resnet56', 861_620, 125.8],
    ['resnet110', 1_736_564, 253.2],
    ['resnet8x4', 1_233_540, 177.1],
    ['resnet32x4', 7_433_860, 1083],
    ['wrn-16-1', 180_916, 26.7],
    ['wrn-16-2', 703_284, 101.1],
    ['wrn-40-1', 569_780, 83.3],
    ['wrn-40-2', 2_255_156, 327.6],
    ['vgg8', 3_965_028, 96.2],
    ['vgg13', 9_462_180, 284.9],
  ])(
    '%s learns %d params and takes %d million multiply-adds, as in the distillation literature',
    (name, params, millions) => {
      const { trained, multiplyAdds } = costOf(named.get(name)!, 32, 100);
      expect(trained).toBe(params);
      expect(Math.round(multiplyAdds / 1e5) / 10).toBe(millions);
    },
  );

  test.each([
    ['MobileNetV2, half', 812_836],
    ['ShuffleNetV2', 1_355_528],
    ['ResNet-50', 23_705_252],
  ])('%s learns %d params, as in the public code', (name, params) => {
    expect(costOf(named.get(name)!, 32, 100).trained).toBe(params);
  });
});

test.each([
  [{ kind: 'resnet-imagenet', depth: 18 }, 11_689_512],
  [{ kind: 'resnet-imagenet', depth: 34 }, 21_797_672],
  [{ kind: 'resnet-imagenet', depth: 50 }, 25_557_032],
  [{ kind: 'resnet-imagenet', depth: 101 }, 44_549_160],
  [{ kind: 'resnet-imagenet', depth: 152 }, 60_192_808],
  [{ kind: 'mobilenet-v2', variant: 'imagenet' }, 3_504_872],
  [{ kind: 'shufflenet-v2', width: 0.5, variant: 'imagenet' }, 1_366_792],
  [{ kind: 'shufflenet-v2', variant: 'imagenet' }, 2_278_604],
  [{ kind: 'shufflenet-v2', width: 1.5, variant: 'imagenet' }, 3_503_624],
  [{ kind: 'shufflenet-v2', width: 2, variant: 'imagenet' }, 7_393_996],
])('%o learns %d params for 224x224x3 and 1,000 classes, as in torchvision', (spec, params) => {
  expect(costOf(spec, 224, 1000).trained).toBe(params);
});

const thousands = (value: number) => value.toLocaleString('en-US');

/** `resnet, depth 8` as YAML */
function written(spec: Readonly<Record<string, unknown>>): string {
  const settings = Object.entries(spec).map(
    ([name, value]) => `${name}: ${Array.isArray(value) ? `[${value.join(', ')}]` : value}`,
  );
  return `{ ${settings.join(', ')} }`;
}

describe('docs/models.md', () => {
  const text = readFileSync(new URL('../../../../docs/models.md', import.meta.url), 'utf8');

  test('has this table', () => {
    const rows = NAMED.map(([name, spec]) => {
      const { trained, multiplyAdds } = costOf(spec, 32, 100);
      return `| ${name} | \`${written(spec)}\` | ${thousands(trained)} | ${(multiplyAdds / 1e6).toFixed(1)} |`;
    });
    expect(text.match(/^\| .*` \| [\d,]+ \| [\d.]+ \|$/gm)).toEqual(rows);
  });

  test('has a section for each network', () => {
    const kinds = MODELS.map(({ schema }) => schema.shape.kind.value);
    expect([...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading).slice(0, kinds.length)).toEqual(kinds);
  });
});
