import type { ImageShape } from '../data/image-source.js';
import type { Kernel, Layers, Window } from './model.js';
import { afterWindow, POOLING, paddedSides } from './model.js';

/** How large a model is, computed from its spec: nothing is built. */
export interface ModelCost {
  /** Convolutions and dense layers. */
  readonly layers: number;
  /** Channels or units of the widest layer before the one with the logits. */
  readonly widest: number;
  /** Numbers in all params, those of batch norm included. */
  readonly params: number;
  /** The params that gradients train; the statistics of batch norm are not. */
  readonly trained: number;
  /** Numbers that the layers put out for one image, each layer apart. */
  readonly activations: number;
  /** Multiplications with an addition for one image, those of convolutions, dense layers and attention. */
  readonly multiplyAdds: number;
}

const sizeOf = ({ height, width, channels }: ImageShape) => height * width * channels;

/** Counts what layers cost. A node is the shape of what a layer puts out; what only looks at the same numbers differently puts out nothing. */
export class LayerCounter implements Layers<ImageShape> {
  private readonly sums = { layers: 0, widest: 0, params: 0, trained: 0, activations: 0, multiplyAdds: 0 };
  /** Numbers that the layers with kernels read and put out for one image: what no fusion of other layers saves. */
  readonly traffic = { read: 0, written: 0 };
  /** Of the last layer with a kernel, which has the logits if no other follows. */
  private lastUnits = 0;

  get cost(): ModelCost {
    return { ...this.sums };
  }

  shapeOf(node: ImageShape): ImageShape {
    return node;
  }

  convolution(node: ImageShape, _name: string, filters: number, kernel: Kernel = {}): ImageShape {
    const { size = 3, useBias = false } = kernel;
    const output = { ...this.windowed(node, kernel), channels: filters };
    this.kernel(node, size * size * node.channels, filters, output);
    if (useBias) this.train(filters);
    return this.puts(output);
  }

  patches(node: ImageShape, name: string, units: number, side: number): ImageShape {
    return this.convolution(node, name, units, { size: side, stride: side, padding: 'none', useBias: true });
  }

  tokens({ height, width, channels }: ImageShape): ImageShape {
    return this.puts({ height: 1, width: height * width, channels });
  }

  layerNormalisation(node: ImageShape): ImageShape {
    this.train(2 * node.channels);
    return this.puts(node);
  }

  attention({ width: tokens, channels }: ImageShape, heads: number): ImageShape {
    // Scores and their softmax, for each pair of tokens.
    this.sums.activations += 2 * heads * tokens ** 2;
    const output = { height: 1, width: tokens, channels: channels / 3 };
    this.sums.multiplyAdds += 2 * tokens * sizeOf(output);
    return this.puts(output);
  }

  gelu(node: ImageShape): ImageShape {
    return this.puts(node);
  }

  averagedTokens({ channels }: ImageShape): ImageShape {
    return this.puts({ height: 1, width: 1, channels });
  }

  depthwise(node: ImageShape, _name: string, window: Window = {}): ImageShape {
    const { size = 3 } = window;
    const output = this.windowed(node, window);
    this.kernel(node, size * size, node.channels, output);
    return this.puts(output);
  }

  /** Scale and shift of each channel are trained; mean and variance are not. */
  normalisation(node: ImageShape): ImageShape {
    this.train(2 * node.channels);
    this.sums.params += 2 * node.channels;
    return this.puts(node);
  }

  vectorNormalisation(node: ImageShape): ImageShape {
    return this.normalisation(node);
  }

  relu(node: ImageShape): ImageShape {
    return this.puts(node);
  }

  relu6(node: ImageShape): ImageShape {
    return this.puts(node);
  }

  add([node]: ImageShape[]): ImageShape {
    return this.puts(node!);
  }

  interleave(first: ImageShape, second: ImageShape): ImageShape {
    return this.puts({ ...first, channels: first.channels + second.channels });
  }

  half(node: ImageShape): ImageShape {
    return this.puts({ ...node, channels: node.channels / 2 });
  }

  maxPooling(node: ImageShape, window: Window = POOLING): ImageShape {
    return this.puts(this.windowed(node, window));
  }

  globalAveragePooling({ channels }: ImageShape): ImageShape {
    return this.puts({ height: 1, width: 1, channels });
  }

  flatten(node: ImageShape): ImageShape {
    return { height: 1, width: 1, channels: sizeOf(node) };
  }

  dropout(node: ImageShape): ImageShape {
    return this.puts(node);
  }

  dense(node: ImageShape, _name: string, units: number, { useBias = true }: { useBias?: boolean } = {}): ImageShape {
    const output = { ...node, channels: units };
    this.kernel(node, node.channels, units, output);
    if (useBias) this.train(units);
    return this.puts(output);
  }

  cosine(node: ImageShape, _name: string, units: number): ImageShape {
    // The inputs are brought to length 1 first.
    this.puts(node);
    return this.dense(node, '', units, { useBias: false });
  }

  /** @param inputs numbers that each number of the output is a sum of */
  private kernel(input: ImageShape, inputs: number, units: number, output: ImageShape): void {
    this.traffic.read += sizeOf(input);
    this.traffic.written += sizeOf(output);
    this.sums.layers++;
    this.sums.widest = Math.max(this.sums.widest, this.lastUnits);
    this.lastUnits = units;
    this.train(inputs * units);
    this.sums.multiplyAdds += inputs * sizeOf(output);
  }

  private train(params: number): void {
    this.sums.trained += params;
    this.sums.params += params;
  }

  private windowed(node: ImageShape, window: Window): ImageShape {
    const sides = paddedSides(node, window);
    if (sides) this.puts({ ...node, height: node.height + 2 * sides, width: node.width + 2 * sides });
    return afterWindow(node, window);
  }

  private puts(output: ImageShape): ImageShape {
    this.sums.activations += sizeOf(output);
    return output;
  }
}
