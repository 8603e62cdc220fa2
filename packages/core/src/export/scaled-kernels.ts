import type { GraphNode, ModelGraph, Operation, Weight } from './model-graph.js';
import { quantised } from './precision.js';

type WithKernel = Extract<Operation, { readonly kernel: Weight }>;

/**
 * The same model with kernels of whole numbers from -127 to 127, as 8 bits keep them. A batch norm after each scales the output channels
 * and adds the bias: for formats that have one scale for a kernel, not one for each of its output channels.
 */
export function withScaledKernels(graph: ModelGraph): ModelGraph {
  return { ...graph, nodes: graph.nodes.flatMap(scaledKernel) };
}

function scaledKernel(node: GraphNode): readonly GraphNode[] {
  const { name, operation, shape } = node;
  if (!('kernel' in operation)) return [node];
  const { kernel, bias } = operation;
  const channels = shape.at(-1)!;
  const { values, scales } = quantised(kernel, 'last', channels);
  const whole: WithKernel = { ...operation, kernel: { ...kernel, data: Float32Array.from(values) } };
  const { bias: _, ...unbiased } = whole;
  const vector = (part: string, data: Float32Array): Weight => ({ name: `${name}/${part}`, shape: [channels], data });
  const scale: Operation = {
    kind: 'batch-norm',
    gamma: vector('gamma', scales),
    beta: vector('beta', bias?.data ?? new Float32Array(channels)),
    mean: vector('moving_mean', new Float32Array(channels)),
    variance: vector('moving_variance', new Float32Array(channels).fill(1)),
    epsilon: 0,
  };
  const inner = `${name}/int8`;
  return [
    { ...node, name: inner, operation: unbiased },
    { name, inputs: [inner], shape, operation: scale },
  ];
}
