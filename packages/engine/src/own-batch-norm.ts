import type { Attribute, Output } from './native.js';

/** What an input of an op is: an output of another, or a list of them. */
export type OpInput = Output | readonly Output[];

/** A node of a graph, as the ops behind it see it. */
export interface Producer {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly OpInput[];
  readonly attributes: readonly Attribute[];
}

/** The graph under construction, as the ops of the addon look back at it and add to it. */
export interface OwnGraph {
  /** The node that an output belongs to; undefined if the graph has no ops of the addon. */
  producer(output: Output): Producer | undefined;
  shapeOf(output: Output): readonly number[] | undefined;
  isRead(output: Output): boolean;
  /** The first output of a node, with the shape that TensorFlow cannot infer. */
  shaped(output: Output, shape: readonly number[]): Output;
  add(type: string, inputs: readonly OpInput[], attributes: readonly Attribute[]): { readonly id: number };
  /** Ops that are added from now on read another output, with the same value, in place of this one. */
  replace(output: Output, by: Output): void;
}

/** Of each channel: what normalises a batch. */
export interface Moments {
  readonly mean: Output;
  /** 1 / √(biased variance + epsilon). */
  readonly inverse: Output;
}

/** Channels must be a multiple of it: `kLanes` of convolution.h. */
const LANES = 16;

const [MOMENTS, CONVOLUTION_MOMENTS, NORMALISE, NORMALISE_RELU, GRADIENT] = [
  'TrikdBatchNormMoments',
  'TrikdConv2DMoments',
  'TrikdBatchNorm',
  'TrikdBatchNormRelu',
  'TrikdBatchNormGrad',
] as const;

/** Whether the kernels of the addon take images of a shape. */
export function takesBatchNorm(shape: readonly number[]): boolean {
  return shape.length === 4 && shape.every((dimension) => dimension >= 1) && shape[3]! % LANES === 0;
}

/** A batch with its moments; `variance` is the unbiased one. */
export interface Measured extends Moments {
  readonly images: Output;
  readonly variance: Output;
}

/** The moments of a batch. If nothing else has read it, the convolution that it is the output of computes them too. */
export function addMoments(graph: OwnGraph, images: Output, epsilon: number): Measured {
  const attributes: Attribute[] = [{ name: 'epsilon', kind: 'float', value: epsilon }];
  const convolution = convolutionOf(graph, images);
  if (!convolution || graph.isRead(images)) {
    const { id } = graph.add(MOMENTS, [images], attributes);
    return { images, mean: [id, 0], variance: [id, 1], inverse: [id, 2] };
  }
  const { id } = graph.add(CONVOLUTION_MOMENTS, convolution.inputs, [...convolution.attributes, ...attributes]);
  const output = graph.shaped([id, 0], graph.shapeOf(images)!);
  graph.replace(images, output);
  return { images: output, mean: [id, 1], variance: [id, 2], inverse: [id, 3] };
}

/** The convolution of the addon that images are the output of. */
function convolutionOf(graph: OwnGraph, images: Output): Producer | undefined {
  const shaped = graph.producer(images);
  const convolution = shaped?.type === 'EnsureShape' ? graph.producer(shaped.inputs[0] as Output) : undefined;
  return convolution?.type === 'TrikdConv2D' ? convolution : undefined;
}

/** Normalised images, with scale and shift. */
export function addNormalisation(
  graph: OwnGraph,
  { images, mean, inverse }: Measured,
  gamma: Output,
  beta: Output,
): Output {
  return [graph.add(NORMALISE, [images, mean, inverse, gamma, beta, []], counts({ masks: 0 })).id, 0];
}

/**
 * ReLU of normalised images, or of their sum with others, in one op with the normalisation; undefined for any other input. The op that only
 * normalises stays in the graph. Nothing reads it any more, so TensorFlow leaves it out.
 */
export function addFusedRelu(graph: OwnGraph, input: Output): Output | undefined {
  const found = normalisedIn(graph, input);
  if (!found) return undefined;
  const [images, mean, inverse, gamma, beta] = found.normalise.inputs as readonly Output[];
  const others = found.other ? [found.other] : [];
  // Only what was normalised by its own moments is differentiated.
  const measured = graph.producer(mean!)?.type;
  const masks = measured === MOMENTS || measured === CONVOLUTION_MOMENTS ? 1 : 0;
  const { id } = graph.add(NORMALISE_RELU, [images!, mean!, inverse!, gamma!, beta!, others], counts({ masks }));
  return [id, 0];
}

function normalisedIn(graph: OwnGraph, input: Output): { normalise: Producer; other?: Output } | undefined {
  const found = graph.producer(input);
  if (found?.type === NORMALISE) return { normalise: found };
  const [one, other] = addends(graph, input);
  if (!one || !other) return undefined;
  for (const [each, rest] of [[one, other] as const, [other, one] as const]) {
    const normalise = graph.producer(each);
    if (normalise?.type === NORMALISE) return { normalise, other: rest };
  }
  return undefined;
}

/** The two images that an output is the sum of, both of its shape; otherwise none. */
function addends(graph: OwnGraph, output: Output): readonly Output[] {
  const sum = graph.producer(output);
  if (sum?.type !== 'Add' && sum?.type !== 'AddV2') return [];
  const inputs = sum.inputs as readonly Output[];
  return inputs.every((each) => isOfShape(graph, each, graph.shapeOf(output))) ? inputs : [];
}

/** Gradients by the images, by gamma and by beta. */
export type BatchNormGradients = readonly [Output, Output, Output];

/**
 * The gradient of `addNormalisation`, in one op with that of the ReLU of `addFusedRelu` if `upstream` comes through it.
 * @param upstream the gradient of the normalised images
 */
export function addGradient(
  graph: OwnGraph,
  upstream: Output,
  images: Output,
  { mean, inverse }: Moments,
  gamma: Output,
): BatchNormGradients {
  const arriving = unchanged(graph, upstream);
  const through = throughRelu(graph, arriving);
  const { upstreams, masks, kept } = through ?? { upstreams: [upstream], masks: [], kept: 0 };
  const { id } = graph.add(GRADIENT, [upstreams, masks, images, mean, inverse, gamma], counts({ kept }));
  if (kept > 0) graph.replace(arriving, [id, 3]);
  return [
    [id, 0],
    [id, 1],
    [id, 2],
  ];
}

/** What arrives at a ReLU that is fused: one gradient or two to be added, and which of their numbers pass. */
function throughRelu(graph: OwnGraph, arriving: Output) {
  const relu = graph.producer(arriving);
  if (relu?.type !== 'ReluGrad') return undefined;
  const [dy, y] = relu.inputs as readonly [Output, Output];
  const fused = graph.producer(unchanged(graph, y));
  if (fused?.type !== NORMALISE_RELU || !isOfShape(graph, dy, graph.shapeOf(y))) return undefined;
  const sum = addends(graph, unchanged(graph, dy));
  // The gradient of what was added is what passes.
  const kept = (fused.inputs[5] as readonly Output[]).length;
  return { upstreams: sum.length === 2 ? sum : [dy], masks: [[fused.id, 1]] as readonly Output[], kept };
}

/** An output before ops that change nothing: tfjs reshapes and casts the gradients of an addition to what they are. */
export function unchanged(graph: Pick<OwnGraph, 'producer' | 'shapeOf'>, output: Output): Output {
  const found = graph.producer(output);
  const input = found?.inputs[0] as Output | undefined;
  if (!found || !input || !changesNothing(found) || !isOfShape(graph, input, graph.shapeOf(output))) return output;
  return unchanged(graph, input);
}

function changesNothing({ type, attributes }: Producer): boolean {
  const [from, to] = ['SrcT', 'DstT'].map((name) => attributes.find((each) => each.name === name)?.value);
  return type === 'Reshape' || (type === 'Cast' && from !== undefined && from === to);
}

function isOfShape(graph: Pick<OwnGraph, 'shapeOf'>, output: Output, shape: readonly number[] | undefined): boolean {
  return shape !== undefined && graph.shapeOf(output)?.join() === shape.join();
}

function counts(values: Readonly<Record<string, number>>): Attribute[] {
  return Object.entries(values).map(([name, value]) => ({ name, kind: 'int', value }));
}
