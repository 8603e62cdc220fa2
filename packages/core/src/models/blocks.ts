import type { Kernel, Layers, Window } from './model.js';

/** A block of a network: its channels, and the stride of its first convolution that is not 1x1. */
export interface Block {
  readonly filters: number;
  readonly stride: number;
  readonly padding: NonNullable<Window['padding']>;
}

/** A convolution with batch norm and ReLU. */
export function convolved<Node>(
  layers: Layers<Node>,
  node: Node,
  name: string,
  filters: number,
  kernel?: Kernel,
): Node {
  return layers.relu(layers.normalisation(layers.convolution(node, `${name}/conv`, filters, kernel), `${name}/bn`));
}

/** Two 3x3 convolutions and a shortcut (He et al. 2016). */
export function basicBlock<Node>(
  layers: Layers<Node>,
  input: Node,
  name: string,
  { filters, stride, padding }: Block,
): Node {
  const first = layers.convolution(input, `${name}/conv1`, filters, { stride, padding });
  const activated = layers.relu(layers.normalisation(first, `${name}/bn1`));
  const second = layers.normalisation(layers.convolution(activated, `${name}/conv2`, filters), `${name}/bn2`);
  return layers.relu(layers.add([second, shortcut(layers, input, name, filters, stride)]));
}

/** The bottleneck puts out this many times its inner channels. */
const EXPANSION = 4;

/** 1x1, 3x3 and 1x1 convolutions and a shortcut (He et al. 2016); the stride is that of the 3x3 convolution. */
export function bottleneck<Node>(
  layers: Layers<Node>,
  input: Node,
  name: string,
  { filters, stride, padding }: Block,
): Node {
  const outputs = EXPANSION * filters;
  const first = layers.convolution(input, `${name}/conv1`, filters, { size: 1 });
  const reduced = layers.relu(layers.normalisation(first, `${name}/bn1`));
  const second = layers.convolution(reduced, `${name}/conv2`, filters, { stride, padding });
  const seen = layers.relu(layers.normalisation(second, `${name}/bn2`));
  const third = layers.normalisation(layers.convolution(seen, `${name}/conv3`, outputs, { size: 1 }), `${name}/bn3`);
  return layers.relu(layers.add([third, shortcut(layers, input, name, outputs, stride)]));
}

/** The input itself, or a 1x1 convolution of it where the shape changes. */
function shortcut<Node>(layers: Layers<Node>, input: Node, name: string, filters: number, stride: number): Node {
  if (stride === 1 && layers.shapeOf(input).channels === filters) return input;
  const changed = layers.convolution(input, `${name}/shortcut`, filters, { size: 1, stride });
  return layers.normalisation(changed, `${name}/shortcut_bn`);
}
