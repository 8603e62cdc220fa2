import {
  plainSoftmaxCrossEntropy,
  type Scalar,
  softmaxCrossEntropy,
  type Tensor1D,
  type Tensor2D,
  tf,
} from '@trikd/engine';
import type { FrameSource, TrainedRole } from '../domain/role.js';
import { isLearned, type LearnedTemperatureSpec } from '../spec/learned-temperature-spec.js';
import type { TermSpec } from '../spec/role-spec.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { LossTerm } from '../training/trainer-event.js';
import type { Ops } from './loss.js';
import { lossValue } from './registry.js';
import { taskLoss } from './task-loss.js';

const FUSED: Ops = { tf, softmaxCrossEntropy };

/** For a temperature that is learned. What is compared with depends on it too, so that side of a loss needs a gradient. */
const PLAIN: Ops = { tf, softmaxCrossEntropy: plainSoftmaxCrossEntropy };

/** The terms of a role's loss that are active in a generation. Generation 0 has no anchor. */
export function activeTerms(spec: RunSpec, role: TrainedRole, generation: number): readonly TermSpec[] {
  return spec[role].objective.filter((term) => term.kind === 'task' || term.from === 'peer' || generation > 0);
}

/** The models whose logits the terms need. */
export function sourcesOf(terms: readonly TermSpec[]): readonly FrameSource[] {
  return (['anchor', 'peer'] as const).filter((source) =>
    terms.some((term) => term.kind === 'distillation' && term.from === source),
  );
}

/** The name of a term in progress events. */
export function partOf(term: TermSpec): LossTerm['part'] {
  return term.kind === 'task' ? 'task' : term.from;
}

/** How the temperature of a term is learned; undefined if it is given. */
export function learnedOf(term: TermSpec): LearnedTemperatureSpec | undefined {
  return term.kind === 'distillation' && isLearned(term.temperature) ? term.temperature : undefined;
}

/** What a term is computed from. */
export interface TermInputs {
  readonly logits: Tensor2D;
  readonly labels: Tensor1D;
  readonly targets: Readonly<Partial<Record<FrameSource, Tensor2D>>>;
}

/** The value of one term before its weight. */
export function termValue(term: TermSpec, inputs: TermInputs, temperature: Scalar): Scalar {
  if (term.kind === 'task') return taskLoss(inputs.logits, inputs.labels);
  const { logits, labels, targets } = inputs;
  const ops = learnedOf(term) ? PLAIN : FUSED;
  return lossValue(term.loss, { logits, target: targets[term.from]!, labels, temperature, ops });
}
