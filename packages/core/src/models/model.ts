import type { z } from 'zod';
import type { ImageShape } from '../data/image-source.js';

/** How a convolution meets the border of an image. */
export interface Window {
  /** Side of the kernel, odd unless the padding is `none`. Default 3. */
  readonly size?: number;
  /** Default 1. */
  readonly stride?: number;
  /**
   * `same`, the default: as TensorFlow does, which pads an even side below and to the right alone when the stride is 2. `symmetric`: the
   * same on all sides, as PyTorch does. Both put out ceil(side / stride) pixels. `none`: no padding.
   */
  readonly padding?: 'same' | 'symmetric' | 'none';
}

export interface Kernel extends Window {
  /** Default false. */
  readonly useBias?: boolean;
}

/**
 * What networks are made of. A network is written once, against this: one implementation makes layers of TensorFlow.js, another counts
 * them. A node is what a layer puts out; its height and width are 1 if it is a vector, and its height is 1 if it is a row of tokens.
 */
export interface Layers<Node> {
  shapeOf(node: Node): ImageShape;
  convolution(node: Node, name: string, filters: number, kernel?: Kernel): Node;
  /** A convolution of patches beside each other, with a bias: a vector of `units` for each. */
  patches(node: Node, name: string, units: number, side: number): Node;
  /** The pixels of an image as a row of tokens, each with its position added. */
  tokens(node: Node): Node;
  /** Of each token alone, with scale and shift. */
  layerNormalisation(node: Node, name: string): Node;
  /** Scaled dot-product attention, from queries, keys and values side by side. */
  attention(node: Node, heads: number): Node;
  gelu(node: Node): Node;
  /** The mean of all tokens, a vector. */
  averagedTokens(node: Node): Node;
  /** One filter for each channel, without bias. */
  depthwise(node: Node, name: string, window?: Window): Node;
  /** Batch norm. */
  normalisation(node: Node, name: string): Node;
  relu(node: Node): Node;
  /** min(6, relu). */
  relu6(node: Node): Node;
  add(nodes: Node[]): Node;
  /** The channels of both, each first one beside each second one: a₀ b₀ a₁ b₁ … */
  interleave(first: Node, second: Node): Node;
  /** The first half of the channels, or the second. */
  half(node: Node, which: 'first' | 'second'): Node;
  /** @param window by default 2x2 with stride 2 and without padding. Its input is not negative where it is padded. */
  maxPooling(node: Node, window?: Window): Node;
  /** The mean of each channel, a vector. */
  globalAveragePooling(node: Node): Node;
  flatten(node: Node): Node;
  /** Drops a share of the values in training; another share at each step. */
  dropout(node: Node, rate: number): Node;
  /** With a bias unless `useBias` is false. Of tokens, each alone. */
  dense(node: Node, name: string, units: number, options?: { readonly useBias?: boolean }): Node;
  /** Batch norm of a vector. */
  vectorNormalisation(node: Node, name: string, units: number): Node;
  /** The logits scale · cos θ, for the angle between the input and the weight of each unit. */
  cosine(node: Node, name: string, units: number, scale: number): Node;
}

/** A network as the registry keeps it. */
export interface Model<Schema extends z.ZodType> {
  /** Its settings, a literal `kind` among them, which is its name. */
  readonly schema: Schema;
  /** Why it does not take images of a size; undefined if it does. @param spec what the schema accepts */
  problem(spec: unknown, image: ImageShape): string | undefined;
  /**
   * The layers from an image to the vector that it says of the image; the head of the task follows.
   * @param spec what the schema accepts
   */
  features<Node>(layers: Layers<Node>, image: Node, spec: unknown): Node;
}

/** Defines a network: its settings, and its layers for them. */
export function defineModel<Schema extends z.ZodType<{ readonly kind: string }>>(model: {
  readonly schema: Schema;
  problem?(spec: z.output<Schema>, image: ImageShape): string | undefined;
  features<Node>(layers: Layers<Node>, image: Node, spec: z.output<Schema>): Node;
}): Model<Schema> {
  const { schema } = model;
  return {
    schema,
    problem: (spec, image) => model.problem?.(schema.parse(spec), image),
    features: (layers, image, spec) => model.features(layers, image, schema.parse(spec)),
  };
}

/** `a vgg8 pools 3 times, too often for images of 4x4`, where each pooling halves the image; undefined if something is left of it. */
export function pooledAway(net: string, poolings: number, { height, width }: ImageShape): string | undefined {
  if (Math.min(height, width) >> poolings >= 1) return undefined;
  return `${net} pools ${poolings} times, too often for images of ${height}x${width}`;
}

/** Halves an image, and leaves the last row and column out if a side is odd. */
export const POOLING: Window = { size: 2, stride: 2, padding: 'none' };

/**
 * The zeros to put on each side of an image before a window moves over it without padding; undefined where TensorFlow's own `same` puts
 * them where symmetric padding does.
 */
export function paddedSides(
  { height, width }: ImageShape,
  { size = 3, stride = 1, padding }: Window,
): number | undefined {
  if (padding !== 'symmetric') return undefined;
  const each = (size - 1) / 2;
  const same = (side: number) => Math.max(0, (Math.ceil(side / stride) - 1) * stride + size - side);
  return same(height) === 2 * each && same(width) === 2 * each ? undefined : each;
}

/** What is left of an image where a window has moved over it. */
export function afterWindow<Shape extends ImageShape>(image: Shape, { size = 3, stride = 1, padding }: Window): Shape {
  const left = (side: number) =>
    padding === 'none' ? Math.max(1, Math.floor((side - size) / stride) + 1) : Math.ceil(side / stride);
  return { ...image, height: left(image.height), width: left(image.width) };
}

/** Layers of one model, at most. He et al. 2016 trained 1,202. */
export const MOST_LAYERS = 1202;
