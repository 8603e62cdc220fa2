import { TrikdError } from '../domain/errors.js';
import { transposed } from '../export/channels-first.js';
import type { GraphNode, ModelGraph, Weight } from '../export/model-graph.js';
import { modulePath } from '../export/pytorch-weights.js';
import type { Params } from '../models/params.js';
import type { ModelSpec } from '../models/registry.js';
import type { WeightsFormat } from '../spec/outside-spec.js';
import type { ExpectedModel } from './expected-model.js';
import type { FileTensor, WeightsFile } from './file-tensor.js';
import { timmModules, torchvisionModules, withoutAliases } from './public-names.js';

/** The params of a model, read from a file. */
export interface FittedParams {
  readonly format: WeightsFormat;
  readonly params: Params;
}

/** What a file is to be read for. */
export interface Wanted {
  /** Whose names the file has; absent: those that fit best. */
  readonly format?: WeightsFormat | undefined;
  /** `fresh`: params of the head are not read, whatever they are. */
  readonly head?: 'fresh' | undefined;
}

/**
 * The params of a model in a file.
 * @param what names the file in messages
 * @throws TrikdError 'invalid' with the first params that are missing, not expected or of another shape, and how many there are
 */
export function fittedParams(
  file: WeightsFile,
  model: ExpectedModel,
  { what, ...wanted }: Wanted & { readonly what: string },
): FittedParams {
  const fit = bestFit(file, model, wanted, what);
  const { problems } = fit;
  if (problems.length > 0) {
    const names = `${fit.format} names of ${model.spec.kind}`;
    throw new TrikdError('invalid', `${what} does not fit by the ${names}: ${problems.join('; ')}`);
  }
  assertSamePadding(fit.format, model.spec, what);
  const params = fit.pairs.map(([slot, tensor]) => {
    const data = slot.arrange(tensor.read());
    return [slot.param, { dtype: 'float32' as const, shape: [...slot.paramShape], data }] as const;
  });
  return { format: fit.format, params: new Map(params) };
}

/** How well a file fits the names of a format. */
export interface Fit {
  readonly format: WeightsFormat;
  /** Params with their tensors. */
  readonly pairs: readonly (readonly [slot: Slot, tensor: FileTensor])[];
  readonly problems: readonly string[];
}

/** The format whose names a file has, or the one that it has most names of. */
export function bestFit(file: WeightsFile, model: ExpectedModel, { format, head }: Wanted, what: string): Fit {
  const candidates = formatsOf(file, model).filter(([name]) => format === undefined || name === format);
  const unread = head === 'fresh' ? model.head : [];
  const fits = candidates.map((candidate) => fitOf(candidate, file, model.spec, unread));
  const best = fits.find(({ problems }) => problems.length === 0) ?? most(fits);
  if (best) return best;
  const known = formatsOf(file, model).map(([format]) => format);
  throw new TrikdError(
    'invalid',
    `${what} is a file of ${file.format}: ${model.spec.kind} has no names of ${format} in it, only of ${known.join(', ')}`,
  );
}

function most(fits: readonly Fit[]): Fit | undefined {
  return fits.toSorted((a, b) => b.pairs.length - a.pairs.length)[0];
}

type Candidate = readonly [WeightsFormat, readonly Slot[]];

/** The formats that have names for a model, in the order in which they are tried. */
function formatsOf({ format }: WeightsFile, { spec, shapes, graph }: ExpectedModel): readonly Candidate[] {
  if (format === 'tfjs') return [['tfjs', ownSlots(shapes)]];
  const [torchvision, timm] = [torchvisionModules(spec), timmModules(spec)];
  const candidates: readonly (readonly [WeightsFormat, readonly Slot[] | undefined])[] = [
    ['trikd', ownSlots(shapes)],
    ['pytorch', graph && pytorchSlots(graph)],
    ['torchvision', graph && torchvision && pytorchSlots(graph, torchvision)],
    // Those of ResNets are the same.
    [
      'timm',
      graph &&
        (timm ?? (spec.kind === 'resnet-imagenet' ? torchvision : undefined)) &&
        pytorchSlots(graph, timm ?? torchvision),
    ],
  ];
  return candidates.flatMap(([name, slots]) => (slots && slots.length === shapes.size ? [[name, slots] as const] : []));
}

/** Counters of PyTorch's batch norm, and what TensorFlow.js models of ours have to normalise images. */
const IGNORED = /(^|\.)num_batches_tracked$|^normalised\//;

/** How wrappers of PyTorch begin the names of all tensors. */
const PREFIXES = ['module.', 'model.', 'backbone.'];

/** @param unread layers whose params are left out */
function fitOf([format, all]: Candidate, file: WeightsFile, spec: ModelSpec, unread: readonly string[]): Fit {
  const foreign = format !== 'trikd' && format !== 'tfjs';
  const isPublic = format === 'torchvision' || format === 'timm';
  const counted = file.tensors.filter(({ name }) => !IGNORED.test(name));
  const tensors = new Map(
    (foreign ? withoutPrefix(counted) : counted).map((tensor) => [
      isPublic ? withoutAliases(spec, tensor.name) : tensor.name,
      tensor,
    ]),
  );
  const byName = new Map(all.map((slot) => [slot.name, slot]));
  const slots = all.filter(({ param }) => !unread.some((layer) => param.startsWith(`${layer}/`)));
  const missing = slots.filter(({ name }) => !tensors.has(name)).map(({ name }) => name);
  const extra = [...tensors.keys()].filter((name) => !byName.has(name) && !isSlotOfOptimizer(name, byName, foreign));
  const pairs = slots.flatMap((slot) => {
    const tensor = tensors.get(slot.name);
    return tensor ? [[slot, tensor] as const] : [];
  });
  const misshapen = pairs
    .filter(([{ shape }, tensor]) => shape.join() !== tensor.shape.join())
    .map(([{ name, shape }, tensor]) => `${name} is ${shapeText(tensor.shape)} instead of ${shapeText(shape)}`);
  const problems = [
    ...listed('missing', missing),
    ...listed('not expected', extra),
    ...listed('of another shape', misshapen),
  ];
  return { format, pairs, problems };
}

/** A checkpoint of ours has the slots of the optimizer beside its params. */
function isSlotOfOptimizer(name: string, params: ReadonlyMap<string, Slot>, foreign: boolean): boolean {
  return !foreign && params.has(name.slice(0, Math.max(0, name.lastIndexOf('/'))));
}

/** The tensors without the prefixes that all of their names have. */
export function withoutPrefix(tensors: readonly FileTensor[]): readonly FileTensor[] {
  const prefix = PREFIXES.find((each) => tensors.length > 0 && tensors.every(({ name }) => name.startsWith(each)));
  if (prefix === undefined) return tensors;
  return withoutPrefix(tensors.map((tensor) => ({ ...tensor, name: tensor.name.slice(prefix.length) })));
}

/** Params that a message names, at most, of each kind of problem. */
const MOST_NAMED = 8;

/** Characters of the name of a tensor that a message repeats. */
const LONGEST_NAME = 100;

function listed(problem: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const named = names
    .slice(0, MOST_NAMED)
    .map((name) => name.slice(0, LONGEST_NAME))
    .join(', ');
  const more = names.length > MOST_NAMED ? `, and ${names.length - MOST_NAMED} more` : '';
  return [`${names.length} ${problem} (${named}${more})`];
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(',')}]`;
}

/**
 * The params of a network of PyTorch belong to its padding, which is all that the names do not tell. Our own export writes the padding of the
 * checkpoint into its program.
 */
function assertSamePadding(format: WeightsFormat, model: ModelSpec, what: string): void {
  if (model.kind !== 'resnet' || model.padding === 'symmetric') return;
  if (format !== 'torchvision' && format !== 'timm') return;
  throw new TrikdError('invalid', `${what} has params of a network of PyTorch: set padding of the model to symmetric`);
}

/** A param of a model, and how a file has it. */
interface Slot {
  /** Name in the file. */
  readonly name: string;
  /** Shape in the file. */
  readonly shape: readonly number[];
  /** Name and shape in the model. */
  readonly param: string;
  readonly paramShape: readonly number[];
  /** From the layout of the file to that of the model. */
  arrange(data: Float32Array): Float32Array;
}

/** The params of a model under their own names, in their own layouts. */
function ownSlots(shapes: ReadonlyMap<string, readonly number[]>): readonly Slot[] {
  return [...shapes].map(([name, shape]) => ({ name, shape, param: name, paramShape: shape, arrange: (data) => data }));
}

/**
 * The params of a model in PyTorch's layouts: kernels of convolutions are [outputs, inputs, rows, columns], those of dense layers
 * [outputs, inputs].
 * @param moduleOf the path of a node's module, without `.weight`
 * @returns undefined where a node has no name there
 */
export function pytorchSlots(
  { nodes }: ModelGraph,
  moduleOf: (node: GraphNode) => string | undefined = modulePath,
): readonly Slot[] | undefined {
  const slots: Slot[] = [];
  for (const node of nodes) {
    const own = slotsOf(node);
    if (own.length === 0) continue;
    const module = moduleOf(node);
    if (module === undefined) return undefined;
    slots.push(...own.map(({ suffix, ...slot }) => ({ name: `${module}.${suffix}`, ...slot })));
  }
  return slots;
}

type Unnamed = Omit<Slot, 'name'> & { readonly suffix: string };

function slotsOf({ operation }: GraphNode): readonly Unnamed[] {
  switch (operation.kind) {
    case 'convolution':
      return withBias(moved('weight', operation.kernel, [3, 2, 0, 1]), operation.bias);
    case 'depthwise-convolution': {
      // [inputs, multiplier, rows, columns] there has one channel for each group.
      const [rows = 0, columns = 0, inputs = 0, multiplier = 0] = operation.kernel.shape;
      const slot = moved('weight', operation.kernel, [2, 3, 0, 1]);
      return withBias({ ...slot, shape: [inputs * multiplier, 1, rows, columns] }, operation.bias);
    }
    case 'dense':
      return withBias(moved('weight', operation.kernel, [1, 0]), operation.bias);
    case 'batch-norm': {
      const { gamma, beta, mean, variance } = operation;
      return [
        vector('weight', gamma),
        vector('bias', beta),
        vector('running_mean', mean),
        vector('running_var', variance),
      ];
    }
    default:
      return [];
  }
}

function withBias(kernel: Unnamed, bias: Weight | undefined): readonly Unnamed[] {
  return bias ? [kernel, vector('bias', bias)] : [kernel];
}

function vector(suffix: string, { name, shape }: Weight): Unnamed {
  return { suffix, shape, param: name, paramShape: shape, arrange: (data) => data };
}

/** @param order axis i in the file is axis `order[i]` of the model */
function moved(suffix: string, { name, shape }: Weight, order: readonly number[]): Unnamed {
  const there = order.map((axis) => shape[axis]!);
  const back = order.map((_, axis) => order.indexOf(axis));
  return {
    ...{ suffix, shape: there, param: name, paramShape: shape },
    arrange: (data) => transposed({ name, shape: there, data }, back).data,
  };
}
