import { type Scalar, type Scope, type StateScalar, tf, type Update } from '@trikd/engine';
import { INITIAL_THETA, learnedTemperature } from '../losses/learned-temperature.js';
import { learnedOf } from '../losses/objective.js';
import type { LearnedTemperatureSpec } from '../spec/learned-temperature-spec.js';
import type { TermSpec } from '../spec/role-spec.js';

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
