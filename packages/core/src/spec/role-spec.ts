import { z } from 'zod';
import { LossSpec } from '../losses/registry.js';
import { ModelSpec } from '../models/registry.js';
import { Amount, ParticipantName, PositiveAmount } from './fields.js';
import { frozenTeacher, InitSpec, outsideModelProblem } from './outside-spec.js';
import { dependsOnTemperature, GateSpec, isLearned, orLearned, scheduled } from './term-spec.js';

/** Terms of an objective, and milestones of a schedule, at most. */
const LONGEST_LIST = 64;

/** Replicas of a learner, at most: each sends its gradients to the first one, which adds them up. */
export const MOST_REPLICAS = 64;

/** `title` is what the reference of settings says of the values: the alternatives have a section of their own there. */
const weight = scheduled(Amount).default(1).meta({ title: 'number ≥ 0, or a schedule' });
const temperature = orLearned(scheduled(PositiveAmount))
  .default(4)
  .meta({ title: 'number > 0, a schedule, or learned', description: 'T in softmax(logits / T)' });

/** One term of an objective. `from` names the model whose logits are the target. */
export const TermSpec = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('task').describe('the loss of the task: cross-entropy with the labels'), weight }),
  z.strictObject({
    kind: z.literal('distillation').describe('a distillation loss from the logits of another model'),
    from: ParticipantName.describe('a participant of the stage by name; peer: the other learner'),
    weight,
    temperature,
    loss: LossSpec.optional(),
    gate: GateSpec.optional(),
  }),
]);
export type TermSpec = z.infer<typeof TermSpec>;

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
      .describe('fractions of the stage, ascending'),
    factor: z.number().gt(0).lt(1).default(0.1),
  }),
]);
export type ScheduleSpec = z.infer<typeof ScheduleSpec>;

/** Terms of a loss. */
export const Objective = z
  .array(TermSpec)
  .min(1)
  .max(LONGEST_LIST)
  .superRefine((terms, context) => {
    const message = temperatureProblem(terms);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

const training = {
  optimizer: OptimizerSpec.prefault({ kind: 'sgd' }),
  learningRate: PositiveAmount.default(0.05).describe('peak, after warm-up'),
  clipNorm: PositiveAmount.nullable().default(5).describe('limit of the global gradient norm; null turns it off'),
  replicas: z
    .int()
    .min(1)
    .max(MOST_REPLICAS)
    .optional()
    .describe('copies of the model that train equal parts of each batch; part of the result, bit for bit; default: 1'),
};

/** How a learner trains, apart from its objective. */
export const TrainingSpec = z.strictObject({ model: ModelSpec, ...training });
export type TrainingSpec = z.infer<typeof TrainingSpec>;

const initial = {
  init: InitSpec.optional().meta({
    title: 'a section',
    description: 'params from outside of the run that it starts from, in each of its stages; default: fresh ones',
  }),
};

const roleObjective = Objective
  // The stages are checked once all fields are right. This mistake is visible in the field alone, and is reported with the others.
  .refine(
    (terms) => terms.some((term) => term.kind === 'task' || term.from !== 'anchor'),
    'nothing to learn from while there is no anchor: a term that does not ask it is needed',
  )
  .optional()
  .describe(
    'terms of the loss, for the method trikd; those that ask the anchor rest while there is none; default: the labels, ' +
      'the other learner and the anchor, with weights that were searched (docs/algorithm.md)',
  );

/** How one role trains. */
export const RoleSpec = z.strictObject({ model: ModelSpec, objective: roleObjective, ...training, ...initial });
export type RoleSpec = z.infer<typeof RoleSpec>;

/** How the teacher trains, or where it comes from. */
export const TeacherSpec = z
  .strictObject({
    model: ModelSpec.optional().describe('its network; none where an endpoint answers'),
    objective: roleObjective,
    ...training,
    ...initial,
    ...frozenTeacher,
  })
  .superRefine((spec, context) => {
    const problem = outsideModelProblem(spec);
    if (problem) context.addIssue({ code: 'custom', path: [...problem.path], message: problem.message });
    if (!spec.from && spec.preprocessing) {
      const message = 'a teacher that trains sees the images as the student does: leave it out';
      context.addIssue({ code: 'custom', path: ['preprocessing'], message });
    }
    if (spec.from && spec.replicas !== undefined) {
      const message = 'a frozen teacher does not train: leave it out';
      context.addIssue({ code: 'custom', path: ['replicas'], message });
    }
    if (!spec.from || !spec.init) return;
    context.addIssue({
      code: 'custom',
      path: ['init'],
      message: 'a frozen teacher starts from nothing else: leave it out',
    });
  });
export type TeacherSpec = z.infer<typeof TeacherSpec>;
