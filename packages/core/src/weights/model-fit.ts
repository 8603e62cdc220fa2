import { ModelSpec } from '../models/registry.js';
import { WIDEST } from '../spec/fields.js';
import type { WeightsFormat } from '../spec/outside-spec.js';
import { expectedModel } from './expected-model.js';
import type { FileTensor, WeightsFile } from './file-tensor.js';
import { bestFit, type Fit, withoutPrefix } from './fitted-params.js';

/** How a file fits a model that classifies. */
export interface ModelFit {
  readonly model: ModelSpec;
  /** Whose names the file has. */
  readonly names: WeightsFormat;
  /** As the file has them. */
  readonly classes: number;
  readonly channels: number;
  /** Empty where the file fits. */
  readonly problems: readonly string[];
}

const CLASSIFIER = 'classifier';

/**
 * Compares a file with a model, whose classes and channels are those of the file.
 * @param side of the images; the params of some networks depend on it
 */
export function modelFit(file: WeightsFile, model: ModelSpec, side: number): ModelFit {
  const fit = (classes: number, channels: number) => {
    const head = [{ kind: 'dense', name: CLASSIFIER, units: classes } as const];
    return bestFit(file, expectedModel(model, { height: side, width: side, channels }, head), {}, 'the file');
  };
  const first = fit(2, 3);
  const [classes, channels] = [classesIn(first) ?? 2, channelsIn(first) ?? 3];
  const { format, problems } = fit(classes, channels);
  return { model, names: format, classes, channels, problems };
}

function classesIn({ pairs }: Fit): number | undefined {
  const found = pairs.find(([{ param }]) => param === `${CLASSIFIER}/bias`);
  return sizeOf(found?.[1].shape[0]);
}

/** Inputs of the first convolution: PyTorch has them second, and TensorFlow third. */
function channelsIn({ format, pairs }: Fit): number | undefined {
  const kernel = pairs.find(([{ shape }]) => shape.length === 4)?.[1];
  return kernel?.shape.length === 4 ? sizeOf(kernel.shape[format === 'trikd' || format === 'tfjs' ? 2 : 1]) : undefined;
}

/** What a model can have: a shape of a file can be anything. */
function sizeOf(size: number | undefined): number | undefined {
  return size !== undefined && size > 0 && size <= WIDEST ? size : undefined;
}

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
