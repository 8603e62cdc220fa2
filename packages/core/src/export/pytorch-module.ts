import { channelsFirst } from './channels-first.js';
import {
  type ActivationName,
  type Edges,
  edgesOf,
  type GraphNode,
  type ModelGraph,
  NORMALISED,
  type Pair,
  shapeOf,
} from './model-graph.js';
import { modulePath } from './pytorch-weights.js';

/** The file that `model.py` reads. */
export const WEIGHTS_FILE = 'model.safetensors';

/** A Python file with a `torch.nn.Module` of the model, and a function that loads its params. */
export function pytorchModule(graph: ModelGraph): string {
  const { image, output, nodes } = graph;
  const { height, width, channels } = image;
  const modules = nodes.flatMap((node) => {
    const made = moduleOf(graph, node);
    return made === undefined ? [] : [{ path: modulePath(node), made }];
  });
  const groups = [...new Set(modules.flatMap(({ path }) => parents(path)))];
  const values = new Map([[NORMALISED, 'normalised']]);
  const steps = nodes.map((node, index) => {
    const inputs = node.inputs.map((input) => values.get(input)!);
    values.set(node.name, `x${index}`);
    return `x${index} = ${stepOf(graph, node, inputs)}`;
  });
  return `"""A trained model. Written by \`trikd export\`.

    import model
    net = model.load()
    ${output.name} = net(images)
"""

from __future__ import annotations

import pathlib

import torch
from torch import nn
from torch.nn import functional as F


class Group(nn.Module):
    """Layers under one name."""


${helpersOf(graph)}class Model(nn.Module):
    """From images [batch, ${channels}, ${height}, ${width}] of 0..255, uint8 or float, to ${output.name} [batch, ${output.size}]."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('scale', torch.tensor(${numbers(graph.scale)}).view(1, -1, 1, 1), persistent=False)
        self.register_buffer('shift', torch.tensor(${numbers(graph.shift)}).view(1, -1, 1, 1), persistent=False)
${lines([...groups.map((path) => `self.${path} = Group()`), ...modules.map(({ path, made }) => `self.${path} = ${made}`)])}

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        normalised = images.to(self.scale.dtype) * self.scale + self.shift
${lines(steps)}
        return ${values.get(output.node)}


def load(path: str | pathlib.Path = pathlib.Path(__file__).with_name('${WEIGHTS_FILE}')) -> Model:
    """The model with its trained params, for inference."""
    from safetensors import safe_open

    model = Model()
    with safe_open(path, framework='pt') as file:
        stored = {name: file.get_tensor(name).float() for name in file.keys()}
    # Kernels of 8 bits have a scale for each output channel.
    scales = {name: stored.pop(f'{name}_scale') for name in [*stored] if f'{name}_scale' in stored}
    model.load_state_dict({name: values * scales.get(name, 1) for name, values in stored.items()})
    return model.eval()
`;
}

const SUM = `class Sum(nn.Module):
    """Adds the same numbers to each example."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.summand = nn.Parameter(torch.empty(shape), requires_grad=False)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values + self.summand


`;

const ATTENTION = `def attention(values: torch.Tensor, tokens: int, width: int, heads: int) -> torch.Tensor:
    """Scaled dot-product attention in heads, from queries, keys and values side by side."""
    parts = values.reshape(-1, tokens, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    queries, keys, values = parts.unbind(0)
    mixed = F.scaled_dot_product_attention(queries, keys, values)
    return mixed.permute(0, 2, 1, 3).reshape(-1, tokens, width)


`;

/** What the module of a model needs besides PyTorch. */
function helpersOf({ nodes }: ModelGraph): string {
  const has = (kind: GraphNode['operation']['kind']) => nodes.some(({ operation }) => operation.kind === kind);
  return `${has('constant-sum') ? SUM : ''}${has('attention') ? ATTENTION : ''}`;
}

/** The call that makes a node's module; undefined for one without params. */
function moduleOf(graph: ModelGraph, { inputs, shape, operation }: GraphNode): string | undefined {
  switch (operation.kind) {
    case 'convolution':
    case 'depthwise-convolution': {
      const { kernel, groups } = channelsFirst(operation);
      const [outputs = 0, inputsOfGroup = 0] = kernel.shape;
      const edges = edgesOf(operation, shapeOf(graph, inputs[0]!));
      const padding = isEven(edges) ? `, padding=${pair([edges.top, edges.left])}` : '';
      const grouped = groups > 1 ? `, groups=${groups}` : '';
      const bias = operation.bias ? '' : ', bias=False';
      const sizes = `${inputsOfGroup * groups}, ${outputs}, ${pair(operation.size)}`;
      return `nn.Conv2d(${sizes}, stride=${pair(operation.strides)}${padding}${grouped}${bias})`;
    }
    case 'batch-norm':
      return `nn.BatchNorm${shape.length === 3 ? 2 : 1}d(${operation.gamma.shape[0]}, eps=${operation.epsilon})`;
    case 'dense': {
      const [from, to] = operation.kernel.shape;
      return `nn.Linear(${from}, ${to}${operation.bias ? '' : ', bias=False'})`;
    }
    case 'layer-norm':
      return `nn.LayerNorm(${operation.gamma.shape[0]}, eps=${operation.epsilon})`;
    case 'constant-sum':
      return `Sum(${operation.summand.shape.join(', ')})`;
    default:
      return undefined;
  }
}

function stepOf(graph: ModelGraph, node: GraphNode, inputs: readonly string[]): string {
  const { operation, shape } = node;
  const [input = ''] = inputs;
  const inputShape = shapeOf(graph, node.inputs[0]!);
  switch (operation.kind) {
    case 'convolution':
    case 'depthwise-convolution': {
      const edges = edgesOf(operation, inputShape);
      return `self.${modulePath(node)}(${isEven(edges) ? input : padded(input, edges)})`;
    }
    case 'batch-norm':
      if (shape.length !== 2) return `self.${modulePath(node)}(${input})`;
      return `self.${modulePath(node)}(${input}.permute(0, 2, 1)).permute(0, 2, 1)`;
    case 'dense':
    case 'constant-sum':
      return `self.${modulePath(node)}(${input})`;
    case 'layer-norm': {
      const module = `self.${modulePath(node)}`;
      if (shape.length !== 3) return `${module}(${input})`;
      return `${module}(${input}.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)`;
    }
    case 'attention': {
      const [tokens = 0, width = 0] = shape;
      return `attention(${input}, ${tokens}, ${width}, ${operation.heads})`;
    }
    case 'max-pooling': {
      const edges = edgesOf(operation, inputShape);
      const from = isNone(edges) ? input : padded(input, edges, "float('-inf')");
      return `F.max_pool2d(${from}, ${pair(operation.size)}, stride=${pair(operation.strides)})`;
    }
    case 'average-pooling': {
      const window = `${pair(operation.size)}, stride=${pair(operation.strides)}`;
      const edges = edgesOf(operation, inputShape);
      if (isNone(edges)) return `F.avg_pool2d(${input}, ${window})`;
      // The mean of what is there: zeros around the image do not count.
      const sum = (of: string) => `F.avg_pool2d(${padded(of, edges)}, ${window})`;
      return `${sum(input)} / ${sum(`torch.ones_like(${input})`)}`;
    }
    case 'activation':
      return activated(operation.activation, input, shape);
    case 'leaky-relu':
      return `F.leaky_relu(${input}, ${operation.rate})`;
    case 'zero-padding':
      return padded(input, operation.edges);
    case 'cropping': {
      const { top, left } = operation.edges;
      const [rows = 0, columns = 0] = shape;
      return `${input}[:, :, ${top}:${top + rows}, ${left}:${left + columns}]`;
    }
    case 'add':
      return inputs.join(' + ');
    case 'multiply':
      return inputs.join(' * ');
    case 'average':
      return `(${inputs.join(' + ')}) / ${inputs.length}`;
    case 'maximum':
    case 'minimum':
      return inputs.slice(1).reduce((value, each) => `torch.${operation.kind}(${value}, ${each})`, input);
    case 'concatenation':
      return `torch.cat([${inputs.join(', ')}], dim=${shape.length === 3 ? 1 : shape.length})`;
    case 'global-average-pooling':
      return `${input}.mean(dim=${inputShape.length === 3 ? '(2, 3)' : 1})`;
    case 'global-max-pooling':
      return `${input}.amax(dim=${inputShape.length === 3 ? '(2, 3)' : 1})`;
    case 'flatten':
    case 'reshape': {
      // The dense layer after it takes rows, columns, channels.
      const last = inputShape.length === 3 ? `${input}.permute(0, 2, 3, 1)` : input;
      const reshaped = `${last}.reshape(-1, ${shape.join(', ')})`;
      return shape.length === 3 ? `${reshaped}.permute(0, 3, 1, 2)` : reshaped;
    }
  }
}

function activated(activation: ActivationName, input: string, shape: readonly number[]): string {
  if (activation === 'softmax') return `F.softmax(${input}, dim=${shape.length === 3 ? 1 : -1})`;
  if (activation === 'swish') return `F.silu(${input})`;
  const module = activation === 'sigmoid' || activation === 'tanh' ? 'torch' : 'F';
  return `${module}.${activation}(${input})`;
}

const isEven = ({ top, bottom, left, right }: Edges) => top === bottom && left === right;
const isNone = (edges: Edges) => Object.values(edges).every((size) => size === 0);
const pair = ([rows, columns]: Pair) => `(${rows}, ${columns})`;

function padded(value: string, { top, bottom, left, right }: Edges, filled = '0.0'): string {
  return `F.pad(${value}, (${left}, ${right}, ${top}, ${bottom}), value=${filled})`;
}

/** `stage1.block0.conv1` is in `stage1` and `stage1.block0`. */
function parents(path: string): readonly string[] {
  const parts = path.split('.');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
}

/** Numbers as Python reads them: those of JavaScript, with all their digits. */
const numbers = (values: readonly number[]) => `[${values.map((value) => String(value)).join(', ')}]`;

const lines = (statements: readonly string[]) => statements.map((statement) => `        ${statement}`).join('\n');
