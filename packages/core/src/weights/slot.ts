import { transposed } from '../export/channels-first.js';
import type { GraphNode, ModelGraph, Weight } from '../export/model-graph.js';
import { modulePath } from '../export/pytorch-names.js';

/** A param of a model, and how a file has it. */
export interface Slot {
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
export function ownSlots(shapes: ReadonlyMap<string, readonly number[]>): readonly Slot[] {
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
