import type { ImageShape } from '../data/image-source.js';

/** Rows and columns. */
export type Pair = readonly [number, number];

/** Rows and columns at the sides of an image. */
export interface Edges {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Numbers of a layer. Layout and name are TensorFlow's: `conv0/kernel` is [rows, columns, inputs, outputs]. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A convolution or a pooling: which pixels each output sees. `same` has ceil(size / stride) outputs, with what TensorFlow pads for it. */
export interface Window {
  readonly size: Pair;
  readonly strides: Pair;
  readonly padding: 'same' | 'valid';
}

/** Functions of each number alone, but for softmax, which is over the last axis. The rate of `leaky_relu` is its own setting. */
export const ACTIVATIONS = [
  'relu',
  'relu6',
  'elu',
  'selu',
  'sigmoid',
  'tanh',
  'softplus',
  'softsign',
  'gelu',
  'swish',
  'softmax',
] as const;
export type ActivationName = (typeof ACTIVATIONS)[number];

/** What a layer computes in inference. Images are [rows, columns, channels], as in TensorFlow, and tokens are [tokens, width]. */
export type Operation =
  | (Window & {
      readonly kind: 'convolution' | 'depthwise-convolution';
      readonly kernel: Weight;
      readonly bias?: Weight;
    })
  | (Window & { readonly kind: 'max-pooling' | 'average-pooling' })
  | {
      readonly kind: 'batch-norm';
      readonly gamma: Weight;
      readonly beta: Weight;
      readonly mean: Weight;
      readonly variance: Weight;
      readonly epsilon: number;
    }
  | { readonly kind: 'dense'; readonly kernel: Weight; readonly bias?: Weight }
  | { readonly kind: 'layer-norm'; readonly gamma: Weight; readonly beta: Weight; readonly epsilon: number }
  | { readonly kind: 'activation'; readonly activation: ActivationName }
  | { readonly kind: 'leaky-relu'; readonly rate: number }
  /** Adds the same numbers to each example. */
  | { readonly kind: 'constant-sum'; readonly summand: Weight }
  /** Scaled dot-product attention in heads: from queries, keys and values side by side, [tokens, 3 · width], to [tokens, width]. */
  | { readonly kind: 'attention'; readonly heads: number }
  | { readonly kind: 'zero-padding' | 'cropping'; readonly edges: Edges }
  /** Of several inputs, number by number; or over all pixels, or all tokens, of one. */
  | { readonly kind: 'add' | 'multiply' | 'average' | 'maximum' | 'minimum' | 'concatenation' }
  | { readonly kind: 'global-average-pooling' | 'global-max-pooling' | 'flatten' | 'reshape' };

export type BatchNorm = Extract<Operation, { readonly kind: 'batch-norm' }>;

/** A layer between others. */
export interface GraphNode {
  /** Unique in its graph. */
  readonly name: string;
  /** Nodes that it reads, or `NORMALISED`. */
  readonly inputs: readonly string[];
  /** Of one example of its output. */
  readonly shape: readonly number[];
  readonly operation: Operation;
}

/** The value that the first layers read: pixel · scale + shift, channel by channel. */
export const NORMALISED = 'normalised';

/** Name of the input: images of uint8, 0..255, [batch, rows, columns, channels]. */
export const IMAGES = 'images';

/** A trained model without its framework: what each export format is written from. */
export interface ModelGraph {
  readonly image: ImageShape;
  readonly scale: readonly number[];
  readonly shift: readonly number[];
  /** Each after those that it reads. */
  readonly nodes: readonly GraphNode[];
  /** `embedding` of a model that has one, otherwise `logits`; the values of `node`. */
  readonly output: { readonly name: 'logits' | 'embedding'; readonly node: string; readonly size: number };
}

/** What a value is called in a file where names of layers stand beside those of inputs and outputs. */
export function valueName(node: string): string {
  return node === NORMALISED ? node : `layers/${node}`;
}

/** Shape of one example of a value. */
export function shapeOf({ image, nodes }: ModelGraph, name: string): readonly number[] {
  if (name === NORMALISED) return [image.height, image.width, image.channels];
  const found = nodes.find((node) => node.name === name);
  if (!found) throw new TypeError(`the graph has no value ${name}`);
  return found.shape;
}

/** The zeros that TensorFlow puts around an image; with `same`, one more after than before where they cannot be equal. */
export function edgesOf({ size, strides, padding }: Window, [rows = 0, columns = 0]: readonly number[]): Edges {
  const along = (pixels: number, axis: 0 | 1) => {
    if (padding === 'valid') return [0, 0] as const;
    const outputs = Math.ceil(pixels / strides[axis]);
    const all = Math.max(0, (outputs - 1) * strides[axis] + size[axis] - pixels);
    return [Math.floor(all / 2), Math.ceil(all / 2)] as const;
  };
  const [[top, bottom], [left, right]] = [along(rows, 0), along(columns, 1)];
  return { top, bottom, left, right };
}

/** All weights of a node, in the order in which Keras lists them. */
export function weightsOf(operation: Operation): readonly Weight[] {
  switch (operation.kind) {
    case 'convolution':
    case 'depthwise-convolution':
    case 'dense':
      return operation.bias ? [operation.kernel, operation.bias] : [operation.kernel];
    case 'batch-norm':
      return [operation.gamma, operation.beta, operation.mean, operation.variance];
    case 'layer-norm':
      return [operation.gamma, operation.beta];
    default:
      return [];
  }
}

/** What a batch norm multiplies a channel by, and what it adds then: for operators that know images alone. */
export function factorAndSummand({ name }: Pick<GraphNode, 'name'>, { epsilon, ...norm }: BatchNorm): [Weight, Weight] {
  const { shape } = norm.gamma;
  const [gamma, beta, mean, variance] = [norm.gamma.data, norm.beta.data, norm.mean.data, norm.variance.data];
  const factor = gamma.map((value, channel) => value / Math.sqrt(variance[channel]! + epsilon));
  const summand = beta.map((value, channel) => value - mean[channel]! * factor[channel]!);
  return [
    { name: `${name}/factor`, shape, data: factor },
    { name: `${name}/summand`, shape, data: summand },
  ];
}
