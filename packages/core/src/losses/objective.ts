import {
  plainSoftmaxCrossEntropy,
  type Scalar,
  softmaxCrossEntropy,
  type Tensor1D,
  type Tensor2D,
  tf,
} from '@trikd/engine';
import type { TermSpec } from '../spec/role-spec.js';
import { isLearned, type LearnedTemperatureSpec } from '../spec/term-spec.js';
import type { Task } from '../tasks/task.js';
import type { MixTensors, Ops } from './loss.js';
import { lossValue } from './registry.js';

export const FUSED: Ops = { tf, softmaxCrossEntropy };

/** For a temperature that is learned. What is compared with depends on it too, so that side of a loss needs a gradient. */
const PLAIN: Ops = { tf, softmaxCrossEntropy: plainSoftmaxCrossEntropy };

/** The name of a term in progress events: the participant that it learns from. */
export function partOf(term: TermSpec): string {
  return term.kind === 'task' ? 'task' : term.from;
}

/** How the temperature of a term is learned; undefined if it is given. */
export function learnedOf(term: TermSpec): LearnedTemperatureSpec | undefined {
  return term.kind === 'distillation' && isLearned(term.temperature) ? term.temperature : undefined;
}

/** What a term is computed from. */
export interface TermInputs {
  /** Says what a task term is. */
  readonly task: Pick<Task, 'loss'>;
  readonly logits: Tensor2D;
  readonly labels: Tensor1D;
  /** What is mixed into the images; only the task term depends on it. */
  readonly mix?: MixTensors | undefined;
  /** By participant. */
  readonly targets: ReadonlyMap<string, Tensor2D>;
}

/** The value of one term before its weight. */
export function termValue(term: TermSpec, inputs: TermInputs, temperature: Scalar): Scalar {
  const { task, logits, labels, mix, targets } = inputs;
  if (term.kind === 'task') return task.loss({ logits, labels, ...(mix && { mix }), ops: FUSED });
  const ops = learnedOf(term) ? PLAIN : FUSED;
  return lossValue(term.loss, { logits, target: targets.get(term.from)!, labels, temperature, ops });
}
