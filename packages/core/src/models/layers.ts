import { batchNormalization, type LayersModel, tf } from '@trikd/engine';
import { cosineHead } from './cosine-head.js';

/** A symbolic tensor between two layers. */
export type Node = ReturnType<typeof tf.input>;

type Layer = InstanceType<typeof tf.layers.Layer>;

const apply = (layer: Layer, node: Node | Node[]) => layer.apply(node) as Node;

/** Creates the layers of our models. Each kernel gets its own seed, counted from the model's. */
export class LayerFactory {
  private seed: number;

  constructor(seed: number) {
    // tfjs treats a seed of 0 as absent and draws one.
    this.seed = seed + 1;
  }

  input(height: number, width: number, channels: number): Node {
    return tf.input({ shape: [height, width, channels] });
  }

  /** Convolution without bias, SAME padding, He initialisation by fan-out (He et al. 2015). */
  convolution(node: Node, name: string, filters: number, options: { size?: number; stride?: number } = {}): Node {
    const { size = 3, stride = 1 } = options;
    // Not tfjs's variance scaling: it truncates the normal distribution and so reduces the deviation to 0.88 of what it
    // should be.
    const stddev = Math.sqrt(2 / (size * size * filters));
    const kernelInitializer = tf.initializers.randomNormal({ mean: 0, stddev, seed: this.seed++ });
    return apply(
      tf.layers.conv2d({
        name,
        filters,
        kernelSize: size,
        strides: stride,
        padding: 'same',
        useBias: false,
        kernelInitializer,
      }),
      node,
    );
  }

  normalisation(node: Node, name: string): Node {
    return apply(batchNormalization({ name, momentum: 0.9, epsilon: 1e-5 }), node);
  }

  /** Batch norm of vectors, as that of images of one pixel: the kernels of TensorFlow take images alone. */
  vectorNormalisation(node: Node, name: string, units: number): Node {
    const pixel = apply(tf.layers.reshape({ targetShape: [1, 1, units] }), node);
    return this.flatten(this.normalisation(pixel, name));
  }

  relu(node: Node): Node {
    return apply(tf.layers.activation({ activation: 'relu' }), node);
  }

  add(nodes: Node[]): Node {
    return apply(tf.layers.add(), nodes);
  }

  maxPooling(node: Node): Node {
    return apply(tf.layers.maxPooling2d({ poolSize: 2, strides: 2 }), node);
  }

  globalAveragePooling(node: Node): Node {
    return apply(tf.layers.globalAveragePooling2d({}), node);
  }

  flatten(node: Node): Node {
    return apply(tf.layers.flatten(), node);
  }

  /** Drops a share of the values in training; another share at each step. */
  dropout(node: Node, rate: number): Node {
    return apply(tf.layers.dropout({ rate }), node);
  }

  dense(node: Node, name: string, units: number, { useBias = true }: { useBias?: boolean } = {}): Node {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: this.seed++ });
    return apply(tf.layers.dense({ name, units, kernelInitializer, useBias }), node);
  }

  /** The logits scale · cos θ, for the angle between the input and the weight of each unit. */
  cosine(node: Node, name: string, units: number, scale: number): Node {
    return apply(cosineHead({ name, classes: units, scale, seed: this.seed++ }), node);
  }

  model(inputs: Node, outputs: Node | Node[]): LayersModel {
    return tf.model({ inputs, outputs });
  }
}
