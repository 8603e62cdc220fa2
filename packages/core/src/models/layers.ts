import { batchNormalization, type LayersModel, tf } from '@trikd/engine';
import type { ImageShape } from '../data/image-source.js';
import { attention } from './attention.js';
import { cosineHead } from './cosine-head.js';
import type { Kernel, Layers, Window } from './model.js';
import { positions } from './positions.js';
import { POOLING, paddedSides } from './window.js';

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
