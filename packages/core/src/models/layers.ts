import { batchNormalization, type LayersModel, tf } from '@trikd/engine';

/** A value between two layers while a model is being built. */
export type Node = ReturnType<typeof tf.input>;

type Layer = ReturnType<typeof batchNormalization>;

const apply = (layer: Layer, node: Node | Node[]) => layer.apply(node) as Node;

/** The layers that our models are made of. Every kernel has a seed of its own, counted from the model's. */
export class LayerFactory {
  private seed: number;

  constructor(seed: number) {
    // tfjs takes a seed of 0 for none at all, and draws one.
    this.seed = seed + 1;
  }

  input(height: number, width: number, channels: number): Node {
    return tf.input({ shape: [height, width, channels] });
  }

  /** Convolution without bias, SAME padding; He initialisation over the outputs (He et al. 2015). */
  convolution(node: Node, name: string, filters: number, options: { size?: number; stride?: number } = {}): Node {
    const { size = 3, stride = 1 } = options;
    // Not tfjs's own variance scaling: it cuts the normal distribution off and leaves 0.88 of the deviation.
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

  dense(node: Node, name: string, units: number): Node {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: this.seed++ });
    return apply(tf.layers.dense({ name, units, kernelInitializer }), node);
  }

  model(inputs: Node, outputs: Node): LayersModel {
    return tf.model({ inputs, outputs });
  }
}
