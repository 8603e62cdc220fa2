import { type RandomModel, type RandomModelSettings, randomModel } from '@trikd/testing/training/random-model';
import { describe, expect, test } from 'vitest';
import { encodeSafetensors, type PackedTensor, packSafetensors } from '../checkpoint/safetensors.js';
import { float16Bits } from '../export/export-format.js';
import { layersModelFiles, TOPOLOGY_FILE } from '../export/layers-model.js';
import { pytorchParams, pytorchWeights } from '../export/pytorch-weights.js';
import type { Params } from '../models/params.js';
import { ModelSpec } from '../models/registry.js';
import type { WeightsFormat } from '../spec/outside-spec.js';
import { expectedModel } from './expected-model.js';
import type { WeightsFile } from './file-tensor.js';
import { fittedParams } from './fitted-params.js';
import { safetensorsFile } from './safetensors-file.js';
import { layersManifest, tfjsFile } from './tfjs-file.js';

const images = { kind: 'synthetic', classes: 5, train: 64, validation: 24, test: 20, channels: 3 } as const;
const sized = (side: number) => ({ ...images, height: side, width: side });
const SMALL: RandomModelSettings = { model: { kind: 'plain-cnn', channels: [4], hidden: [7] }, data: sized(8) };

const expectedOf = ({ model, data: { height = 8, width = 8, channels = 1 } }: RandomModelSettings) =>
  expectedModel(ModelSpec.parse(model), { height, width, channels }, [{ kind: 'dense', name: 'classifier', units: 5 }]);

function read(file: WeightsFile, settings: RandomModelSettings, format?: WeightsFormat) {
  return fittedParams(file, expectedOf(settings), { format, what: 'the file' });
}

const inOrder = (params: Params) => [...params].toSorted(([a], [b]) => (a < b ? -1 : 1));

/** A file with the params of a model by PyTorch's names of our export, as another program would have named and stored them. */
function renamed({ graph }: RandomModel, rename: (name: string) => string, dtype: 'F32' | 'F16' = 'F32'): WeightsFile {
  const tensors = [...pytorchParams(graph)].map(([name, weight]): [string, PackedTensor] => {
    const numbers = dtype === 'F16' ? float16Bits(weight) : weight.data;
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    return [rename(name), { dtype, shape: weight.shape, bytes }];
  });
  return safetensorsFile(packSafetensors(tensors, {}));
}

describe.each<RandomModelSettings>([
  SMALL,
  { model: { kind: 'resnet', depth: 8, width: 4 }, data: sized(9) },
  { model: { kind: 'mobilenet-v2', width: 0.25 }, data: sized(16) },
  { model: { kind: 'shufflenet-v2', width: 0.5 }, data: sized(16) },
])('a $model.kind that was exported', (settings) => {
  test('has the params of its checkpoint again, from safetensors and from a LayersModel', async () => {
    const { graph, params } = await randomModel(settings);
    const fromPytorch = read(safetensorsFile(pytorchWeights(graph)), settings);
    expect(fromPytorch.format).toBe('pytorch');
    expect(inOrder(fromPytorch.params)).toEqual(inOrder(params));
    const files = await layersModelFiles(graph);
    const fromLayers = read(tfjsFile(layersManifest(files.get(TOPOLOGY_FILE)!), files), settings);
    expect(fromLayers.format).toBe('tfjs');
    expect(inOrder(fromLayers.params)).toEqual(inOrder(params));
  });
});

test('a blob of a checkpoint has the params of its model, without the slots of the optimizer', async () => {
  const { params } = await randomModel(SMALL);
  const [name, first] = [...params][0]!;
  const state = new Map([...params, [`${name}/momentum`, first]]);
  const found = read(safetensorsFile(encodeSafetensors(state)), SMALL);
  expect(found.format).toBe('trikd');
  expect(inOrder(found.params)).toEqual(inOrder(params));
});

/** `stage1.block0.conv1.weight` is `layer1.0.conv1.weight` in torchvision. */
const torchvisionName = (name: string) =>
  name
    .replace(/^stem\.conv\./, 'conv1.')
    .replace(/^stem\.bn\./, 'bn1.')
    .replace(/^stage(\d)\.block(\d+)\./, 'layer$1.$2.')
    .replace('.shortcut.', '.downsample.0.')
    .replace('.shortcut_bn.', '.downsample.1.')
    .replace(/^classifier\./, 'fc.');

describe('a ResNet of torchvision', () => {
  const settings: RandomModelSettings = {
    model: { kind: 'resnet-imagenet', depth: 18, width: 4 },
    data: sized(32),
  };

  test('fits by its names, and so do those that wrappers have put a prefix before', async () => {
    const model = await randomModel(settings);
    for (const prefix of ['', 'module.', 'module.model.']) {
      const file = renamed(model, (name) => prefix + torchvisionName(name));
      const found = read(file, settings);
      expect([found.format, inOrder(found.params)]).toEqual(['torchvision', inOrder(model.params)]);
    }
  });

  test('in float16 is the same as its numbers rounded', async () => {
    const model = await randomModel(settings);
    const whole = read(renamed(model, torchvisionName), settings).params;
    const half = read(renamed(model, torchvisionName, 'F16'), settings).params;
    for (const [name, { data }] of half) {
      const exact = whole.get(name)!.data;
      const isNear = (value: number, index: number) =>
        Math.abs(value - exact[index]!) <= Math.max(Math.abs(exact[index]!) * 2 ** -11, 2 ** -25);
      expect(data.every(isNear)).toBe(true);
    }
  });

  test('that lacks params, has others, or other shapes is refused with the first of each by name', async () => {
    const model = await randomModel(settings);
    const other = renamed(model, (name) => torchvisionName(name).replace(/^layer4\.1\.(conv|bn)1/, 'extra.$11'));
    expect(() => read(other, settings)).toThrow(
      'the file does not fit by the torchvision names of resnet-imagenet: 5 missing (layer4.1.conv1.weight, ' +
        'layer4.1.bn1.weight, layer4.1.bn1.bias, layer4.1.bn1.running_mean, layer4.1.bn1.running_var); ' +
        '5 not expected (extra.conv1.weight, extra.bn1.weight, extra.bn1.bias, extra.bn1.running_mean, extra.bn1.running_var)',
    );
    const narrower: RandomModelSettings = { ...settings, model: { kind: 'resnet-imagenet', depth: 18, width: 2 } };
    expect(() => read(renamed(model, torchvisionName), narrower)).toThrow(
      /of another shape \(conv1\.weight is \[4,3,7,7\] instead of \[2,3,7,7\], .*, and \d+ more\)$/,
    );
  });
});

test('a file of other classes is read without its head, where the head is to be fresh', async () => {
  const { params } = await randomModel(SMALL);
  const classifier = { dtype: 'float32' as const, shape: [3], data: new Float32Array(3) };
  const file = safetensorsFile(encodeSafetensors(new Map([...params, ['classifier/bias', classifier]])));
  expect(() => read(file, SMALL)).toThrow('1 of another shape (classifier/bias is [3] instead of [5])');
  const found = fittedParams(file, expectedOf(SMALL), { head: 'fresh', what: 'the file' });
  expect(inOrder(found.params)).toEqual(inOrder(params).filter(([name]) => !name.startsWith('classifier/')));
});

test('a number that is not finite is refused with its place', async () => {
  const { params } = await randomModel(SMALL);
  const [name, first] = [...params][0]!;
  const data = Float32Array.from(first.data, (value, index) => (index === 3 ? Number.NaN : value));
  const file = safetensorsFile(encodeSafetensors(new Map([...params, [name, { ...first, data }]])));
  expect(() => read(file, SMALL)).toThrow(`tensor ${name} is NaN at element 3`);
});

test('names of a format that the network does not have are refused', async () => {
  const { params } = await randomModel(SMALL);
  const file = safetensorsFile(encodeSafetensors(params));
  expect(() => read(file, SMALL, 'timm')).toThrow('plain-cnn has no names of timm in it, only of trikd, pytorch');
});
