import { expect, test } from 'vitest';
import { ModelSpec } from '../models/registry.js';
import { expectedModel } from './expected-model.js';
import { pytorchSlots } from './fitted-params.js';
import { type ModuleOf, timmModules, torchvisionModules } from './public-names.js';

/** The names that a network has in public code. */
function namesOf(settings: object, modules: (model: ModelSpec) => ModuleOf | undefined): readonly string[] {
  const spec = ModelSpec.parse(settings);
  const head = [{ kind: 'dense', name: 'classifier', units: 3 } as const];
  const { graph } = expectedModel(spec, { height: 32, width: 32, channels: 3 }, head);
  return pytorchSlots(graph!, modules(spec))!.map(({ name }) => name);
}

const resnet = (depth: number) => ({ kind: 'resnet-imagenet', depth, width: 2 });
const mobilenet = { kind: 'mobilenet-v2', variant: 'imagenet', width: 0.1 };

// The numbers of tensors in the state_dict of the public models, without num_batches_tracked.
test.each([
  [18, 102, ['conv1.weight', 'bn1.running_var', 'layer2.0.downsample.0.weight', 'layer4.1.bn2.bias', 'fc.weight']],
  [34, 182, ['layer3.5.conv2.weight', 'fc.bias']],
  [50, 267, ['layer1.0.downsample.1.running_mean', 'layer4.2.conv3.weight', 'layer4.2.bn3.weight']],
])('a ResNet-%i has the %i names of torchvision', (depth, count, some) => {
  const names = namesOf(resnet(depth), torchvisionModules);
  expect(new Set(names).size).toBe(count);
  expect(names).toEqual(expect.arrayContaining(some));
});

test('MobileNetV2 has the 262 names of torchvision', () => {
  const names = namesOf(mobilenet, torchvisionModules);
  expect(new Set(names).size).toBe(262);
  expect(names.filter((name) => /^features\.(0|1|2|17|18)\..*weight$/.test(name))).toEqual([
    ...['features.0.0.weight', 'features.0.1.weight'],
    ...['features.1.conv.0.0.weight', 'features.1.conv.0.1.weight'],
    ...['features.1.conv.1.weight', 'features.1.conv.2.weight'],
    ...['features.2.conv.0.0.weight', 'features.2.conv.0.1.weight', 'features.2.conv.1.0.weight'],
    ...['features.2.conv.1.1.weight', 'features.2.conv.2.weight', 'features.2.conv.3.weight'],
    ...['features.17.conv.0.0.weight', 'features.17.conv.0.1.weight', 'features.17.conv.1.0.weight'],
    ...['features.17.conv.1.1.weight', 'features.17.conv.2.weight', 'features.17.conv.3.weight'],
    ...['features.18.0.weight', 'features.18.1.weight'],
  ]);
  expect(names).toEqual(expect.arrayContaining(['classifier.1.weight', 'classifier.1.bias']));
});

test('MobileNetV2 has the 262 names of timm', () => {
  const names = namesOf(mobilenet, timmModules);
  expect(new Set(names).size).toBe(262);
  expect(names.filter((name) => /^(conv|bn|classifier|blocks\.(0|1|6)\.0).*weight$/.test(name))).toEqual([
    ...['conv_stem.weight', 'bn1.weight'],
    ...['blocks.0.0.conv_dw.weight', 'blocks.0.0.bn1.weight', 'blocks.0.0.conv_pw.weight', 'blocks.0.0.bn2.weight'],
    ...['blocks.1.0.conv_pw.weight', 'blocks.1.0.bn1.weight', 'blocks.1.0.conv_dw.weight', 'blocks.1.0.bn2.weight'],
    ...['blocks.1.0.conv_pwl.weight', 'blocks.1.0.bn3.weight'],
    ...['blocks.6.0.conv_pw.weight', 'blocks.6.0.bn1.weight', 'blocks.6.0.conv_dw.weight', 'blocks.6.0.bn2.weight'],
    ...['blocks.6.0.conv_pwl.weight', 'blocks.6.0.bn3.weight'],
    ...['conv_head.weight', 'bn2.weight', 'classifier.weight'],
  ]);
});
