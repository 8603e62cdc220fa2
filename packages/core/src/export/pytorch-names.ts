import { channelsFirst, transposed } from './channels-first.js';
import type { GraphNode, ModelGraph, Weight } from './model-graph.js';

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
