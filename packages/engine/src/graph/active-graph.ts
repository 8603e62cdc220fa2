import type { Tensor } from '@tensorflow/tfjs';
import type { Attribute, Output } from '../native.js';
import { GRAPH_BACKEND, type GraphBackend, tf } from '../tfjs-internals/tf.js';
import type { GraphBinding } from './graph-binding.js';

/** The graph being traced, as tensors: fused ops and optimizers are made with it. */
export class ActiveGraph {
  /** Random numbers for layers while a model is applied; undefined if it has no seed. */
  draws: Draws | undefined;

  constructor(
    readonly binding: GraphBinding,
    private readonly backend: GraphBackend,
  ) {}

  /** Adds an op and returns its first output. */
  tensor(type: string, inputs: readonly Tensor[], attributes: readonly Attribute[] = []): Tensor {
    return this.tensors(type, inputs, attributes)[0]!;
  }

  /** Adds an op; all outputs become tensors, and those of unknown shape may only be passed on. */
  tensors(type: string, inputs: readonly Tensor[], attributes: readonly Attribute[] = []): Tensor[] {
    const info = this.binding.add(
      type,
      inputs.map((input) => this.outputOf(input)),
      attributes,
    );
    return info.outputs.map((output, index) =>
      this.wrap([info.id, index], output.dtype, output.rank < 0 ? [0] : output.shape),
    );
  }

  /** A graph output as a tensor of tfjs. */
  wrap(output: Output, dtype: number, shape: readonly number[]): Tensor {
    return this.backend.createOutputTensor({ id: this.binding.register(output), dtype, shape: [...shape] });
  }

  /** The graph output behind a tensor of tfjs. */
  outputOf(tensor: Tensor): Output {
    const [handle] = this.backend.getInputTensorIds([tensor]);
    return this.binding.outputOf(handle!);
  }
}

let active: ActiveGraph | undefined;

/** The graph being traced, or undefined when tfjs computes eagerly (initial values, tests). */
export function activeGraph(): ActiveGraph | undefined {
  return tf.getBackend() === GRAPH_BACKEND ? active : undefined;
}

/** Traces into `graph` while `body` runs. */
export function withActiveGraph<T>(graph: ActiveGraph, body: () => T): T {
  const outer = active;
  active = graph;
  try {
    return body();
  } finally {
    active = outer;
  }
}

/** Random tensors for layers, float32. Each call draws new numbers. */
export interface Draws {
  /** Uniform over [0, 1). */
  uniform(shape: readonly number[]): Tensor;
  /** Normal with mean 0 and variance 1. */
  normal(shape: readonly number[]): Tensor;
}
