import { ModelSpec } from '../models/registry.js';
import type { FileTensor } from './file-tensor.js';
import { withoutPrefix } from './fitted-params.js';

/** Blocks of each stage of the ResNets for larger images, by depth: with basic blocks, and with bottlenecks. */
const BASIC: Readonly<Record<string, number>> = { '2,2,2,2': 18, '3,4,6,3': 34 };
const BOTTLENECK: Readonly<Record<string, number>> = { '3,4,6,3': 50, '3,4,23,3': 101, '3,8,36,3': 152 };

/** The network that the names of torchvision or timm and the shapes in a file tell; undefined for others. */
export function guessedModel(tensors: readonly FileTensor[]): ModelSpec | undefined {
  const shapes = new Map(withoutPrefix(tensors).map(({ name, shape }) => [name, shape]));
  const found = resnetOf(shapes) ?? mobilenetOf(shapes);
  const parsed = ModelSpec.safeParse(found);
  return parsed.success ? parsed.data : undefined;
}

type Shapes = ReadonlyMap<string, readonly number[]>;

function resnetOf(shapes: Shapes): object | undefined {
  const [stem, , side] = shapes.get('conv1.weight') ?? [];
  if (stem === undefined) return undefined;
  const blocks: number[] = [];
  for (const name of shapes.keys()) {
    const [, stage, block] = /^layer([1-4])\.(\d{1,3})\./.exec(name) ?? [];
    if (stage === undefined) continue;
    blocks[Number(stage) - 1] = Math.max(blocks[Number(stage) - 1] ?? 0, Number(block) + 1);
  }
  if (blocks.length === 3) {
    const width = [stem, ...[1, 2, 3].map((stage) => shapes.get(`layer${stage}.0.conv1.weight`)?.[0])];
    return { kind: 'resnet', depth: 6 * (blocks[0] ?? 0) + 2, width, padding: 'symmetric' };
  }
  const depths = shapes.has('layer1.0.conv3.weight') ? BOTTLENECK : BASIC;
  return { kind: 'resnet-imagenet', depth: depths[blocks.join()], width: stem, stem: side === 7 ? '7x7' : '3x3' };
}

/** Channels of the stem of MobileNetV2 with a width of 1. */
const MOBILENET_STEM = 32;

function mobilenetOf(shapes: Shapes): object | undefined {
  const isTorchvision = shapes.has('features.18.0.weight');
  const stem = shapes.get(isTorchvision ? 'features.0.0.weight' : 'conv_stem.weight')?.[0];
  if (stem === undefined || (!isTorchvision && !shapes.has('blocks.6.0.conv_pwl.weight'))) return undefined;
  return { kind: 'mobilenet-v2', variant: 'imagenet', width: stem / MOBILENET_STEM };
}
