import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { sizeOf, TF } from '../dtype.js';
import type { Attribute, Output } from '../native.js';
import { tf } from '../tfjs-internals/tf.js';
import type { ActiveGraph } from './active-graph.js';
import type { Variable, Variables } from './variables.js';

/**
 * SGD with momentum (Sutskever et al. 2013, in the form of PyTorch: a = m·a + g, p -= r·(g + m·a) with Nesterov, else
 * p -= r·a), or AdamW (Loshchilov & Hutter 2019). Numbers that change during training are tensors, fed at each step.
 */
export type Optimizer =
  | {
      readonly kind: 'sgd';
      readonly momentum: Scalar;
      readonly nesterov: boolean;
      readonly weightDecay: Scalar;
      /** True: the decay is taken from the param itself; false: it joins the gradient (L2). */
      readonly decoupled: boolean;
    }
  | {
      readonly kind: 'adamw';
      readonly beta1: Scalar;
      readonly beta2: Scalar;
      readonly epsilon: Scalar;
      readonly weightDecay: Scalar;
      /** Updates made so far, this one included: 1 at the first. */
      readonly updates: Scalar;
    };

export interface Gradient {
  readonly variable: Variable;
  readonly gradient: Tensor;
}

/** The graph under construction, as an optimizer needs it. */
export interface OptimizerContext {
  readonly graph: ActiveGraph;
  readonly variables: Variables;
  readonly learningRate: Scalar;
  /** Operations that come before any write. */
  readonly after: readonly number[];
}

const FLOAT: Attribute = { name: 'T', kind: 'type', value: TF.FLOAT };

/** Decay is for kernels: vectors are biases and the scales and shifts of batch norm. */
const decays = (variable: Variable) => variable.shape.length > 1;

/**
 * The Euclidean norm of all gradients together, and the gradients scaled down to `limit` where it is larger
 * (Pascanu et al. 2013; the scale is limit / (norm + 1e-6), as in PyTorch).
 */
export function clipByGlobalNorm(
  graph: ActiveGraph,
  gradients: readonly Gradient[],
  limit: Scalar | undefined,
): { norm: Tensor; clipped: readonly Gradient[] } {
  const halves = gradients.map(({ gradient }) => graph.tensor('L2Loss', [gradient]));
  const norm = tf.sqrt(tf.mul(tf.addN(halves), 2));
  if (!limit) return { norm, clipped: gradients };
  const scale = tf.minimum(tf.div(limit, tf.add(norm, 1e-6)), 1);
  return {
    norm,
    clipped: gradients.map(({ variable, gradient }) => ({ variable, gradient: tf.mul(gradient, scale) })),
  };
}

/**
 * Adds the update of every variable to the graph. Returns the operations to run. Each update waits until its param was read: where a
 * gradient does not depend on the param itself, as with a linear loss, nothing else would keep the forward pass from reading what the
 * update has already written.
 */
export function applyGradients(
  context: OptimizerContext,
  optimizer: Optimizer,
  gradients: readonly Gradient[],
): number[] {
  return gradients.map((each) =>
    optimizer.kind === 'sgd' ? momentumUpdate(context, optimizer, each) : adamUpdate(context, optimizer, each),
  );
}

function momentumUpdate(
  context: OptimizerContext,
  optimizer: Optimizer & { kind: 'sgd' },
  { variable, gradient }: Gradient,
): number {
  const { graph, variables, learningRate } = context;
  const coupled = decays(variable) && !optimizer.decoupled;
  const descent = coupled ? tf.add(gradient, tf.mul(variables.value(variable), optimizer.weightDecay)) : gradient;
  const before =
    decays(variable) && optimizer.decoupled ? decay(context, optimizer.weightDecay, variable) : variable.read[0];
  return graph.binding.add(
    'ResourceApplyMomentum',
    [
      variable.handle,
      slot(context, variable, 'momentum'),
      ...[learningRate, descent, optimizer.momentum].map((t) => graph.outputOf(t)),
    ],
    [FLOAT, { name: 'use_nesterov', kind: 'bool', value: optimizer.nesterov }],
    [before, ...context.after],
  ).id;
}

/**
 * TensorFlow's Adam adds epsilon to the uncorrected root, p -= r·√(1-β2ᵗ)/(1-β1ᵗ) · m/(√v + ε'); with ε' = ε·√(1-β2ᵗ)
 * that is the paper's (and PyTorch's) m̂/(√v̂ + ε).
 */
function adamUpdate(
  context: OptimizerContext,
  optimizer: Optimizer & { kind: 'adamw' },
  { variable, gradient }: Gradient,
): number {
  const { graph, learningRate } = context;
  const { beta1, beta2, updates } = optimizer;
  const [power1, power2] = [tf.pow(beta1, updates), tf.pow(beta2, updates)];
  const epsilon = tf.mul(optimizer.epsilon, tf.sqrt(tf.sub(1, power2)));
  const before = decays(variable) ? decay(context, optimizer.weightDecay, variable) : variable.read[0];
  const numbers = [power1, power2, learningRate, beta1, beta2, epsilon, gradient].map((tensor) =>
    graph.outputOf(tensor),
  );
  const slots = [slot(context, variable, 'm'), slot(context, variable, 'v')];
  const controls = [before, ...context.after];
  return graph.binding.add('ResourceApplyAdam', [variable.handle, ...slots, ...numbers], [FLOAT], controls).id;
}

/** p -= r·weightDecay·p, before the update proper. Depends on the read of p by what it computes. */
function decay(context: OptimizerContext, weightDecay: Scalar, variable: Variable): number {
  const { graph, variables, learningRate, after } = context;
  const loss = tf.mul(variables.value(variable), tf.mul(learningRate, weightDecay));
  const attributes: Attribute[] = [{ name: 'dtype', kind: 'type', value: TF.FLOAT }];
  return graph.binding.add('AssignSubVariableOp', [variable.handle, graph.outputOf(loss)], attributes, after).id;
}

function slot({ variables }: OptimizerContext, variable: Variable, name: string): Output {
  return variables.declare(`${variable.name}/${name}`, variable.shape, new Float32Array(sizeOf(variable.shape)), 'slot')
    .handle;
}
