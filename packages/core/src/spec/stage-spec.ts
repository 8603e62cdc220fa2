import { z } from 'zod';
import { Amount, Count, ParticipantName, Positive } from './fields.js';
import { oneSectionOf } from './name-or-settings.js';
import { InitSpec, isOutside, OutsideModelSpec } from './outside-spec.js';
import { Objective, ScheduleSpec, TrainingSpec } from './role-spec.js';

/** Frozen models of one stage, at most. */
export const MOST_FROZEN = 8;

/** Stages of a run that lists them, at most. */
export const MOST_STAGES = 64;

/** When validations without gain end a stage. */
export const ConvergenceSpec = z.strictObject({
  patience: Count.default(0).describe('validations without a better student before a stage ends; 0: the whole budget'),
  minDelta: Amount.default(0).describe(
    'a better student must be better by this much in the primary metric of its task',
  ),
});

/** The params of a participant of an earlier stage. */
export const RefSpec = z.strictObject({
  stage: z.string().describe('name of an earlier stage'),
  participant: ParticipantName.describe('one of its learners'),
  at: z
    .enum(['best', 'last'])
    .optional()
    .describe('best: as it validated best; last: as the stage ended; default: best'),
});
export type RefSpec = z.infer<typeof RefSpec>;

/** A frozen model of a stage: by the stage that trained it, or from outside of the run. */
export const FrozenSpec = oneSectionOf([RefSpec, OutsideModelSpec], (settings) => (settings.includes('from') ? 1 : 0));
export type FrozenSpec = z.infer<typeof FrozenSpec>;

/** One learner of a stage that is written out. */
export const LearnerSpec = z.strictObject({
  ...TrainingSpec.shape,
  slot: z
    .enum(['student', 'teacher'])
    .optional()
    .describe('the trainer that trains it; default: that of its name, or the one that is free'),
  init: oneSectionOf([RefSpec, InitSpec], (settings) => (isOutside(settings) ? 1 : 0))
    .optional()
    .describe('params to start from; default: fresh ones'),
  objective: Objective.optional().describe('terms of the loss; default: the labels alone'),
});
export type LearnerSpec = z.infer<typeof LearnerSpec>;

/** One training of one or two learners beside frozen models. */
export const StageSpec = z.strictObject({
  name: ParticipantName.describe('unique in the run'),
  learners: z.record(ParticipantName, LearnerSpec).describe('one or two, by name'),
  frozen: z
    .record(ParticipantName, FrozenSpec)
    .optional()
    .describe(`models that only answer, by name, at most ${MOST_FROZEN}`),
  decisive: ParticipantName.optional().describe(
    'the learner whose validations decide when the stage has converged; default: student, or the only one',
  ),
  epochs: Positive.optional().describe('default: that of the run'),
  schedule: ScheduleSpec.optional().describe('default: that of the run'),
  warmupSteps: Count.optional().describe('default: that of the run'),
  convergence: ConvergenceSpec.optional().describe('default: that of the run'),
});
export type StageSpec = z.infer<typeof StageSpec>;
