import { batchNormalization, type LayersModel, type Tensor, type Tensor2D, tf } from '@trikd/engine';
import type { ImageShape } from '../data/image-source.js';
import { cosineLogits } from '../tasks/verification/cosine-logits.js';
import { type Kernel, type Layers, POOLING, paddedSides, type Window } from './model.js';
import { positions } from './positions.js';

/** A symbolic tensor between two layers. */
export type Node = ReturnType<typeof tf.input>;

type Layer = InstanceType<typeof tf.layers.Layer>;

const apply = (layer: Layer, node: Node | Node[]) => layer.apply(node) as Node;

/** Creates the layers of our models. Each kernel gets its own seed, counted from the model's. */
export class LayerFactory implements Layers<Node> {
  private seed: number;

  constructor(seed: number) {
    // tfjs treats a seed of 0 as absent and draws one.
    this.seed = seed + 1;
  }

  input(height: number, width: number, channels: number): Node {
    return tf.input({ shape: [height, width, channels] });
  }

  shapeOf({ shape }: Node): ImageShape {
    const [channels, width = 1, height = 1] = shape.slice(1).toReversed();
    return { height: height!, width: width!, channels: channels! };
  }

  /** He initialisation by fan-out (He et al. 2015). */
  convolution(node: Node, name: string, filters: number, kernel: Kernel = {}): Node {
    const { size = 3, stride = 1, useBias = false } = kernel;
    const kernelInitializer = this.normal(size * size * filters);
    const [padded, padding] = this.padded(node, kernel);
    return apply(
      tf.layers.conv2d({ name, filters, kernelSize: size, strides: stride, padding, useBias, kernelInitializer }),
      padded,
    );
  }

  /** Glorot's initialisation, as that of dense layers. */
  patches(node: Node, name: string, units: number, side: number): Node {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: this.seed++ });
    return apply(
      tf.layers.conv2d({ name, filters: units, kernelSize: side, strides: side, padding: 'valid', kernelInitializer }),
      node,
    );
  }

  tokens(node: Node): Node {
    const { height, width, channels } = this.shapeOf(node);
    const row = apply(tf.layers.reshape({ targetShape: [height * width, channels] }), node);
    return apply(positions({ height, width }), row);
  }

  layerNormalisation(node: Node, name: string): Node {
    return apply(tf.layers.layerNormalization({ name, epsilon: 1e-6 }), node);
  }

  attention(node: Node, heads: number): Node {
    return apply(attention({ heads }), node);
  }

  gelu(node: Node): Node {
    return apply(tf.layers.activation({ activation: 'gelu' }), node);
  }

  averagedTokens(node: Node): Node {
    return apply(tf.layers.globalAveragePooling1d({}), node);
  }

  depthwise(node: Node, name: string, window: Window = {}): Node {
    const { size = 3, stride = 1 } = window;
    const depthwiseInitializer = this.normal(size * size);
    const [padded, padding] = this.padded(node, window);
    return apply(
      tf.layers.depthwiseConv2d({
        ...{ name, kernelSize: size, strides: stride, padding, useBias: false, depthwiseInitializer },
      }),
      padded,
    );
  }

  normalisation(node: Node, name: string): Node {
    return apply(batchNormalization({ name, momentum: 0.9, epsilon: 1e-5 }), node);
  }

  /** As batch norm of images of one pixel: the kernels of TensorFlow take images alone. */
  vectorNormalisation(node: Node, name: string, units: number): Node {
    const pixel = apply(tf.layers.reshape({ targetShape: [1, 1, units] }), node);
    return this.flatten(this.normalisation(pixel, name));
  }

  relu(node: Node): Node {
    return apply(tf.layers.activation({ activation: 'relu' }), node);
  }

  relu6(node: Node): Node {
    return apply(tf.layers.activation({ activation: 'relu6' }), node);
  }

  add(nodes: Node[]): Node {
    return apply(tf.layers.add(), nodes);
  }

  /** Channels as columns of one value, side by side. */
  interleave(first: Node, second: Node): Node {
    const { height, width, channels } = this.shapeOf(first);
    const columns = [first, second].map((node) =>
      apply(tf.layers.reshape({ targetShape: [height * width * channels, 1] }), node),
    );
    const pairs = apply(tf.layers.concatenate({ axis: -1 }), columns);
    return apply(tf.layers.reshape({ targetShape: [height, width, 2 * channels] }), pairs);
  }

  /** By cropping, of an image whose width is the channels. */
  half(node: Node, which: 'first' | 'second'): Node {
    const { height, width, channels } = this.shapeOf(node);
    const kept = channels / 2;
    const flat = apply(tf.layers.reshape({ targetShape: [height * width, channels, 1] }), node);
    const sides: [number, number] = which === 'first' ? [0, kept] : [kept, 0];
    const half = apply(tf.layers.cropping2D({ cropping: [[0, 0], sides] }), flat);
    return apply(tf.layers.reshape({ targetShape: [height, width, kept] }), half);
  }

  maxPooling(node: Node, window: Window = POOLING): Node {
    const { size = 3, stride = 1 } = window;
    const [padded, padding] = this.padded(node, window);
    return apply(tf.layers.maxPooling2d({ poolSize: size, strides: stride, padding }), padded);
  }

  globalAveragePooling(node: Node): Node {
    return apply(tf.layers.globalAveragePooling2d({}), node);
  }

  flatten(node: Node): Node {
    return apply(tf.layers.flatten(), node);
  }

  dropout(node: Node, rate: number): Node {
    return apply(tf.layers.dropout({ rate }), node);
  }

  dense(node: Node, name: string, units: number, { useBias = true }: { useBias?: boolean } = {}): Node {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: this.seed++ });
    return apply(tf.layers.dense({ name, units, kernelInitializer, useBias }), node);
  }

  cosine(node: Node, name: string, units: number, scale: number): Node {
    return apply(cosineHead({ name, classes: units, scale, seed: this.seed++ }), node);
  }

  model(inputs: Node, outputs: Node | Node[]): LayersModel {
    return tf.model({ inputs, outputs });
  }

  /** Not tfjs's variance scaling: it truncates the normal distribution and so reduces the deviation to 0.88 of what it should be. */
  private normal(fanOut: number) {
    return tf.initializers.randomNormal({ mean: 0, stddev: Math.sqrt(2 / fanOut), seed: this.seed++ });
  }

  /** The input with the zeros that TensorFlow's own padding would put elsewhere, and the padding that is left to do. */
  private padded(node: Node, window: Window): [Node, 'same' | 'valid'] {
    const sides = paddedSides(this.shapeOf(node), window);
    if (!sides) return [node, window.padding === 'none' ? 'valid' : 'same'];
    const layer = tf.layers.zeroPadding2d({
      padding: [
        [sides, sides],
        [sides, sides],
      ],
    });
    return [apply(layer, node), 'valid'];
  }
}

export interface AttentionSettings {
  readonly heads: number;
}

/**
 * Scaled dot-product attention of tokens among themselves (Vaswani et al. 2017), in heads: softmax(q kᵀ / √d) v for heads of d numbers. From
 * queries, keys and values side by side, [batch, tokens, 3 · width], to [batch, tokens, width]. It has no params.
 */
class Attention extends tf.layers.Layer {
  constructor(private readonly settings: AttentionSettings) {
    super({});
  }

  static get className(): string {
    return 'TrikdAttention';
  }

  override computeOutputShape(inputShape: number[]): number[] {
    return [...inputShape.slice(0, -1), inputShape.at(-1)! / 3];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const input = Array.isArray(inputs) ? inputs[0]! : inputs;
    const [batch, tokens, triple] = input.shape as [number, number, number];
    const { heads } = this.settings;
    const width = triple / 3;
    const each = width / heads;
    const [queries, keys, values] = tf
      .split(input, 3, 2)
      .map((part) => tf.transpose(tf.reshape(part, [batch, tokens, heads, each]), [0, 2, 1, 3]));
    const scores = tf.mul(tf.matMul(queries!, keys!, false, true), 1 / Math.sqrt(each));
    const mixed = tf.matMul(tf.softmax(scores), values!);
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, tokens, width]);
  }

  override getConfig(): ReturnType<Layer['getConfig']> {
    return { ...super.getConfig(), ...this.settings };
  }
}

tf.serialization.registerClass(Attention);

/** Attention in so many heads, which divide the width of the tokens. */
function attention(settings: AttentionSettings): Layer {
  return new Attention(settings);
}

type Weight = ReturnType<Layer['addWeight']>;

/** What decides a head, as its configuration spells it. */
export interface CosineHeadSettings {
  readonly name: string;
  readonly classes: number;
  /** s of s · cos θ. */
  readonly scale: number;
  /** Of the initial kernel. */
  readonly seed: number;
}

/** From an embedding [rows, dimension] to the logits s · cos θ [rows, classes]. Its kernel has no bias: only directions count. */
class CosineHead extends tf.layers.Layer {
  private kernel!: Weight;

  constructor(private readonly settings: CosineHeadSettings) {
    super({ name: settings.name });
  }

  static get className(): string {
    return 'TrikdCosineHead';
  }

  override build(inputShape: number[]): void {
    const { classes, seed } = this.settings;
    const initializer = tf.initializers.glorotUniform({ seed });
    this.kernel = this.addWeight('kernel', [inputShape.at(-1)!, classes], 'float32', initializer);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: number[]): number[] {
    return [...inputShape.slice(0, -1), this.settings.classes];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const embeddings = Array.isArray(inputs) ? inputs[0]! : inputs;
    return cosineLogits(embeddings as Tensor2D, this.kernel.read() as Tensor2D, this.settings.scale);
  }

  override getConfig(): ReturnType<Layer['getConfig']> {
    return { ...super.getConfig(), ...this.settings };
  }
}

tf.serialization.registerClass(CosineHead);

/** A head whose weight is `<name>/kernel`, [dimension, classes]. */
export function cosineHead(settings: CosineHeadSettings): Layer {
  return new CosineHead(settings);
}
