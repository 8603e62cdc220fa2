import { z } from 'zod';
import { LossSpec } from '../losses/registry.js';
import { GateSpec } from './gate-spec.js';
import { dependsOnTemperature, isLearned, orLearned } from './learned-temperature-spec.js';
import { ModelSpec } from './model-spec.js';
import { Amount, PositiveAmount } from './numbers.js';
import { generationsNamed, isEverPositive, scheduled } from './scheduled.js';

/** Terms of an objective, and milestones of a schedule, at most. */
const LONGEST_LIST = 64;

/** `title` is what the reference of settings says of the values: the alternatives have a section of their own there. */
const weight = scheduled(Amount).default(1).meta({ title: 'number ≥ 0, or a schedule' });
const temperature = orLearned(scheduled(PositiveAmount))
  .default(4)
  .meta({ title: 'number > 0, a schedule, or learned', description: 'T in softmax(logits / T)' });

/** One term of an objective. `from` names the model whose logits are the target. */
export const TermSpec = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('task').describe('cross-entropy with the labels'), weight }),
  z.strictObject({
    kind: z.literal('distillation').describe('a distillation loss from the logits of another model'),
    from: z.enum(['anchor', 'peer']),
    weight,
    temperature,
    loss: LossSpec.optional(),
    gate: GateSpec.optional(),
  }),
]);
export type TermSpec = z.infer<typeof TermSpec>;

function isAnchorTerm(term: TermSpec): boolean {
  return term.kind === 'distillation' && term.from === 'anchor';
}

/** Whether a term of a weight above 0 is left in a generation. Generation 0 has no anchor. */
function learnsIn(terms: readonly TermSpec[], generation: number): boolean {
  return terms.some((term) => isEverPositive(term.weight, generation) && (generation > 0 || !isAnchorTerm(term)));
}

/** The generations in which the weights of terms may differ. */
function generationsOf(terms: readonly TermSpec[]): readonly number[] {
  return Array.from(Array(Math.max(...terms.map(({ weight }) => generationsNamed(weight)))).keys());
}

/** Why a role would learn nothing in some generation; undefined if it always learns. */
function idleProblem(terms: readonly TermSpec[]): string | undefined {
  if (!learnsIn(terms, 0)) {
    return 'nothing to learn from in generation 0, which has no anchor: a task or peer term with a weight above 0 is needed';
  }
  const idle = generationsOf(terms).find((generation) => !learnsIn(terms, generation));
  return idle === undefined
    ? undefined
    : `nothing to learn from in generation ${idle}: a term with a weight above 0 is needed`;
}

/** Why a gate would have nothing to compare with; undefined if each has, or there is none. */
function gateProblem(terms: readonly TermSpec[]): string | undefined {
  if (terms.every((term) => term.kind === 'task' || !term.gate)) return undefined;
  const tasks = terms.filter(({ kind }) => kind === 'task');
  const compares = (generation: number) => tasks.some(({ weight }) => isEverPositive(weight, generation));
  if (generationsOf(terms).every(compares)) return undefined;
  return 'a gate compares with the gradient of the task: a task term with a weight above 0 is needed';
}

/** Why a temperature could not be learned; undefined if each that shall be can. */
function temperatureProblem(terms: readonly TermSpec[]): string | undefined {
  const idle = terms.find(
    (term) => term.kind === 'distillation' && isLearned(term.temperature) && !dependsOnTemperature(term.loss),
  );
  if (idle?.kind !== 'distillation') return undefined;
  return `a temperature can be learned only where the loss depends on it, and this ${idle.loss?.kind} does not`;
}

export const OptimizerSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sgd').describe('stochastic gradient descent with momentum'),
    momentum: z.number().min(0).lt(1).default(0.9),
    nesterov: z.boolean().default(true),
    weightDecay: Amount.default(5e-4).describe('none on biases and batch norm'),
    decoupled: z
      .boolean()
      .default(false)
      .describe('true: decay apart from the gradient (Loshchilov & Hutter); false: L2'),
  }),
  z.strictObject({
    kind: z.literal('adamw').describe('Loshchilov & Hutter 2019'),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
    epsilon: PositiveAmount.default(1e-8),
    weightDecay: Amount.default(0.01).describe('decoupled; none on biases and batch norm'),
  }),
]);
export type OptimizerSpec = z.infer<typeof OptimizerSpec>;

export const ScheduleSpec = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant').describe('the peak, after warm-up') }),
  z.strictObject({ kind: z.literal('cosine').describe('half a cosine from the peak to 0') }),
  z.strictObject({
    kind: z.literal('multistep').describe('the peak times `factor` after each milestone'),
    milestones: z
      .array(z.number().gt(0).lt(1))
      .max(LONGEST_LIST)
      .refine(
        (milestones) => milestones.every((each, index) => index === 0 || each > milestones[index - 1]!),
        'milestones must ascend, such as [0.5, 0.75]',
      )
      .default([0.5, 0.75])
      .describe('fractions of the generation, ascending'),
    factor: z.number().gt(0).lt(1).default(0.1),
  }),
]);
export type ScheduleSpec = z.infer<typeof ScheduleSpec>;

/** How one role trains. */
export const RoleSpec = z.strictObject({
  model: ModelSpec,
  objective: z
    .array(TermSpec)
    .min(1)
    .max(LONGEST_LIST)
    .superRefine((terms, context) => {
      const problems = terms.length === 0 ? [] : [idleProblem(terms), gateProblem(terms), temperatureProblem(terms)];
      for (const message of problems) if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .describe('terms of the loss; those that ask the anchor rest in generation 0'),
  optimizer: OptimizerSpec.prefault({ kind: 'sgd' }),
  learningRate: PositiveAmount.default(0.05).describe('peak, after warm-up'),
  clipNorm: PositiveAmount.nullable().default(5).describe('limit of the global gradient norm; null turns it off'),
});
export type RoleSpec = z.infer<typeof RoleSpec>;
