import {
  type Gradient,
  type LossGradients,
  type Scalar,
  type Scope,
  type StateScalar,
  type Tensor,
  type Tensor2D,
  tf,
  type Update,
} from '@trikd/engine';
import { gate } from '../losses/gate.js';
import { gateOf } from '../losses/gated-terms.js';
import { INITIAL_THETA, learnedTemperature } from '../losses/learned-temperature.js';
import { learnedOf } from '../losses/objective.js';
import type { TermSpec } from '../spec/role-spec.js';
import type { GateSpec, LearnedTemperatureSpec } from '../spec/term-spec.js';

/** What the forward pass of a step yields. */
export interface Forward {
  readonly logits: Tensor2D;
  /** The terms in their order, each times its weight. */
  readonly weighted: readonly Scalar[];
}

export interface ParamsUpdate {
  /** Of the sum of all gradients that take part, before clipping. */
  readonly gradientNorm: Tensor;
  /** For each term with a gate, by its index: 1 if it takes part in the step, else 0. */
  readonly gates: ReadonlyMap<number, Scalar>;
}

/** Gradients as they are applied: of one model as they are, of replicas their means. */
export type Averaged = (gradients: readonly Tensor[]) => readonly Tensor[];

/**
 * One update of the params down the gradient of the objective. Terms that rest in this step, by their gates, do not take part. A gate on
 * the params needs the gradient of its term apart: one more backward pass. Everything else is one loss with one backward pass.
 * @param forward runs once
 * @param averaged is called once, with all gradients, after the forward pass
 */
export function updateParams(
  scope: Scope<string>,
  terms: readonly TermSpec[],
  forward: () => Forward,
  update: Update,
  averaged: Averaged = (gradients) => gradients,
): ParamsUpdate {
  const gates = new Map<number, Scalar>();
  const taking = () => {
    const { logits, weighted } = forward();
    gateByLogits(scope, terms, logits, weighted, gates);
    return weighted.map((loss, index) => {
      const open = gates.get(index);
      return open ? (tf.mul(open, loss) as Scalar) : loss;
    });
  };
  const apart = gatesOf(terms, 'params-similarity');
  if (apart.length === 0) {
    const sets = averagedSets(
      scope.gradients(() => ({ all: tf.addN(taking()) as Scalar })),
      averaged,
    );
    return { gradientNorm: scope.apply(sets.all!.gradients, update), gates };
  }
  const losses = scope.gradients(() => lossesApart(terms, taking()));
  const { task, ...hints } = averagedSets(losses, averaged);
  const summed = [task!.gradients];
  if (hints[OTHERS]) summed.push(hints[OTHERS].gradients);
  for (const [index, spec] of apart) {
    const { gradients } = hints[nameOf(index)]!;
    const open = gate(tensorsOf(task!.gradients), tensorsOf(gradients), spec);
    gates.set(index, open);
    summed.push(gradients.map(({ variable, gradient }) => ({ variable, gradient: tf.mul(open, gradient) })));
  }
  return { gradientNorm: scope.apply(sumOf(summed), update), gates };
}

type GradientSets = Readonly<Record<string, Pick<LossGradients, 'gradients'>>>;

/** The gradients of all losses, averaged at once. */
function averagedSets(losses: GradientSets, averaged: Averaged): GradientSets {
  const means = averaged(Object.values(losses).flatMap(({ gradients }) => tensorsOf(gradients)));
  let next = 0;
  const sets = Object.entries(losses).map(([name, { gradients }]) => {
    const own = gradients.map(({ variable }) => ({ variable, gradient: means[next++]! }));
    return [name, { gradients: own }] as const;
  });
  return Object.fromEntries(sets);
}

/** The name of the loss of all hints that no gate on the params asks for apart. */
const OTHERS = 'others';
const nameOf = (index: number) => `term${index}`;

/** The terms that have a gate of this kind, by index. */
function gatesOf(terms: readonly TermSpec[], kind: GateSpec['kind']): readonly (readonly [number, GateSpec])[] {
  return terms.flatMap((term, index) => {
    const spec = gateOf(term);
    return spec?.kind === kind ? [[index, spec] as const] : [];
  });
}

/** The losses whose gradients a gate on the params compares: that of the task, and one for each hint with such a gate. */
function lossesApart(terms: readonly TermSpec[], weighted: readonly Scalar[]): Readonly<Record<string, Scalar>> {
  const sum = (wanted: (term: TermSpec) => boolean) => weighted.filter((_, index) => wanted(terms[index]!));
  const apart = (term: TermSpec) => gateOf(term)?.kind === 'params-similarity';
  const others = sum((term) => term.kind !== 'task' && !apart(term));
  return {
    task: tf.addN(sum(({ kind }) => kind === 'task')) as Scalar,
    ...(others.length > 0 && { [OTHERS]: tf.addN(others) as Scalar }),
    ...Object.fromEntries(terms.flatMap((term, index) => (apart(term) ? [[nameOf(index), weighted[index]!]] : []))),
  };
}

/** Decides the gates on the logits, from gradients that end there. */
function gateByLogits(
  scope: Scope<string>,
  terms: readonly TermSpec[],
  logits: Tensor2D,
  weighted: readonly Scalar[],
  gates: Map<number, Scalar>,
): void {
  const cheap = gatesOf(terms, 'logits-similarity');
  if (cheap.length === 0) return;
  const byLogits = (loss: Scalar) => [tf.grad(() => loss)(logits)];
  const task = byLogits(tf.addN(weighted.filter((_, index) => terms[index]!.kind === 'task')) as Scalar);
  for (const [index, spec] of cheap) {
    // A gate is a decision, not a part of what is differentiated.
    gates.set(index, tf.keep(scope.detached(gate(task, byLogits(weighted[index]!), spec))));
  }
}

const tensorsOf = (gradients: readonly Gradient[]) => gradients.map(({ gradient }) => gradient);

function sumOf(all: readonly (readonly Gradient[])[]): readonly Gradient[] {
  return all[0]!.map(({ variable }, index) => ({
    variable,
    gradient: tf.addN(all.map((gradients) => gradients[index]!.gradient)),
  }));
}

interface Learned {
  readonly spec: LearnedTemperatureSpec;
  readonly theta: StateScalar;
  temperature?: Scalar;
  /** Of the weighted loss by θ. */
  gradient?: Scalar;
}

/** The temperatures of one objective that are learned, each as a scalar θ in the state of its program. */
export interface LearnedTemperatures {
  readonly count: number;
  /** The weighted loss of a term at its learned temperature. To be called in the forward pass. */
  lossAt(index: number, lossOf: (temperature: Scalar) => Scalar): Scalar;
  /** The temperatures of this step, in the order of the terms. */
  temperatures(): readonly Scalar[];
  /** Of the loss of each by its θ, in the order of the terms. */
  gradients(): readonly Scalar[];
  /** Updates with other gradients, such as their means over replicas. */
  learnFrom(gradients: readonly Scalar[]): void;
  /** One update of each θ up the gradient of its loss. */
  update(update: Update, reversal: (index: number) => Scalar, gates: ReadonlyMap<number, Scalar>): void;
}

export function learnedTemperatures(scope: Scope<string>, terms: readonly TermSpec[]): LearnedTemperatures {
  const all = new Map<number, Learned>();
  for (const [index, term] of terms.entries()) {
    const spec = learnedOf(term);
    if (spec) all.set(index, { spec, theta: scope.scalar(`term${index}/theta`, INITIAL_THETA) });
  }
  return {
    count: all.size,
    lossAt(index, lossOf) {
      const learned = all.get(index)!;
      const { spec, theta } = learned;
      const temperature = learnedTemperature(theta.value, spec);
      const loss = lossOf(temperature);
      learned.temperature = tf.keep(scope.detached(temperature));
      learned.gradient = tf.keep(tf.grad(() => loss)(theta.value)) as Scalar;
      return loss;
    },
    temperatures: () => [...all.values()].map(({ temperature }) => temperature!),
    gradients: () => [...all.values()].map(({ gradient }) => gradient!),
    learnFrom(gradients) {
      for (const [index, learned] of [...all.values()].entries()) learned.gradient = gradients[index]!;
    },
    update({ optimizer, learningRate }, reversal, gates) {
      for (const [index, { theta, gradient }] of all) {
        const open = gates.get(index);
        const descent = tf.neg(tf.mul(reversal(index), open ? tf.mul(open, gradient!) : gradient!));
        // Apart from the params: their norm is what is clipped and reported.
        scope.apply([{ variable: theta.variable, gradient: descent }], { optimizer, learningRate });
      }
    },
  };
}
