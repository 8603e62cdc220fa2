import { type PackedTensor, packSafetensors } from '../checkpoint/safetensors.js';
import { channelsFirst, transposed } from './channels-first.js';
import { bytesOf, type ExportMetadata, float16Bits, isReduced, type Precision, quantised } from './export-format.js';
import type { GraphNode, ModelGraph, Weight } from './model-graph.js';

/** Widest first, as the Python package stores them. */
const TYPES = ['F32', 'F16', 'I8'];

/** A safetensors file with the params by PyTorch's names. The text `format: pt` tells readers which framework they are for. */
export function pytorchWeights(
  graph: ModelGraph,
  precision: Precision = 'float32',
  metadata: ExportMetadata = {},
): Uint8Array {
  const tensors = [...pytorchParams(graph)].flatMap(([name, weight]) => tensorsOf(name, weight, precision));
  tensors.sort(([nameA, a], [nameB, b]) => TYPES.indexOf(a.dtype) - TYPES.indexOf(b.dtype) || (nameA < nameB ? -1 : 1));
  return packSafetensors(tensors, { ...metadata, format: 'pt' });
}

/** A tensor of a weight; a kernel of 8 bits has its scales in another one, `<name>_scale`. */
function tensorsOf(name: string, weight: Weight, precision: Precision): [string, PackedTensor][] {
  const { shape, data } = weight;
  // The summand of a layer is no kernel: its numbers are as they are.
  if (!isReduced(weight, precision) || name.endsWith('.summand')) {
    return [[name, { dtype: 'F32', shape, bytes: bytesOf(data) }]];
  }
  if (precision === 'float16') return [[name, { dtype: 'F16', shape, bytes: bytesOf(float16Bits(weight)) }]];
  const { values, scales } = quantised(weight, 'first', shape[0]!);
  const each = [scales.length, ...shape.slice(1).map(() => 1)];
  return [
    [name, { dtype: 'I8', shape, bytes: bytesOf(values) }],
    [`${name}_scale`, { dtype: 'F32', shape: each, bytes: bytesOf(scales) }],
  ];
}

/** Words that cannot name an attribute of a module: they mean something to Python or to PyTorch. */
const RESERVED = new Set(
  'and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield None True False scale shift forward train eval to half float double type training'.split(
    ' ',
  ),
);

/** The path of a node's module in PyTorch: `stage1/block0/conv1` is `stage1.block0.conv1`. Safe to write into a program. */
export function modulePath({ name }: Pick<GraphNode, 'name'>): string {
  return name
    .split('/')
    .map((part) => part.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d|$)/, '_'))
    .map((part) => (RESERVED.has(part) ? `${part}_` : part))
    .join('.');
}

/**
 * The params of a model by PyTorch's names and in its layouts: kernels of convolutions are [outputs, inputs, rows, columns], those of
 * dense layers [outputs, inputs]. Each keeps its own name of the checkpoint.
 */
export function pytorchParams({ nodes }: ModelGraph): ReadonlyMap<string, Weight> {
  return new Map(
    nodes.flatMap((node) => paramsOf(node).map(([name, weight]) => [`${modulePath(node)}.${name}`, weight] as const)),
  );
}

function paramsOf({ operation }: GraphNode): readonly (readonly [name: string, weight: Weight])[] {
  switch (operation.kind) {
    case 'convolution':
    case 'depthwise-convolution':
      return withBias(channelsFirst(operation).kernel, operation.bias);
    case 'dense':
      return withBias(transposed(operation.kernel, [1, 0]), operation.bias);
    case 'layer-norm':
      return [
        ['weight', operation.gamma],
        ['bias', operation.beta],
      ];
    case 'constant-sum':
      return [['summand', operation.summand]];
    case 'batch-norm':
      return [
        ['weight', operation.gamma],
        ['bias', operation.beta],
        ['running_mean', operation.mean],
        ['running_var', operation.variance],
      ];
    default:
      return [];
  }
}

function withBias(kernel: Weight, bias: Weight | undefined): readonly (readonly [string, Weight])[] {
  return [['weight', kernel], ...(bias ? ([['bias', bias]] as const) : [])];
}
