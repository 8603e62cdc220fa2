import { z } from 'zod';
import type { TrainedRole } from '../domain/role.js';
import { Amount, PositiveAmount } from '../spec/numbers.js';
import type { TermSpec, TrainingSpec } from '../spec/role-spec.js';
import type { RunSettings } from '../spec/run-settings.js';
import type { Budget, Frozen, Learner, Ref, Stage } from '../stages/stage.js';

/** Weight of the labels in an objective with a hint. */
export const taskWeight = (weight: number) => Amount.default(weight).describe('weight of the labels');

/** Weight of the logits of another model. */
export const hintWeight = (weight: number) => Amount.default(weight).describe('weight of the distillation loss');

/** T of the distillation loss. */
export const temperature = (value = 4) => PositiveAmount.default(value).describe('T in softmax(logits / T)');

/** Knobs of a method with one hint from a teacher. */
export const hintKnobs = { taskWeight: taskWeight(0.1), weight: hintWeight(0.9), temperature: temperature() };
const Hint = z.strictObject(hintKnobs);
export type Hint = z.infer<typeof Hint>;

/** Learning from the labels. */
export function labels(weight = 1): TermSpec {
  return { kind: 'task', weight };
}

/** Learning from the logits of a participant. */
export function hint(from: string, { weight, temperature: T }: Pick<Hint, 'weight' | 'temperature'>): TermSpec {
  return { kind: 'distillation', from, weight, temperature: T };
}

/** The objective of a learner that has one teacher: labels and hint. */
export function hinted(from: string, knobs: Hint): readonly TermSpec[] {
  return [labels(knobs.taskWeight), hint(from, knobs)];
}

/** A learner with fresh params. */
export function fresh(
  name: string,
  slot: TrainedRole,
  { model, optimizer, learningRate, clipNorm }: TrainingSpec,
  objective: readonly TermSpec[],
): Learner {
  return { name, slot, model, optimizer, learningRate, clipNorm, objective, init: 'fresh' };
}

/** A frozen model with the best params of a learner of an earlier stage, under the learner's name or another one. */
export function frozen({ name: stage }: Pick<Stage, 'name'>, { name, model }: Learner, as = name): Frozen {
  const from: Ref = { stage, participant: name, at: 'best' };
  return { name: as, model, from };
}

/** A stage with the budget of the run. */
export function stage(
  run: RunSettings,
  name: string,
  learners: readonly Learner[],
  {
    frozen: answering = [],
    promotes = false,
    ...rest
  }: Partial<Budget & Pick<Stage, 'frozen' | 'promotes' | 'generation'>> = {},
): Omit<Stage, 'index'> {
  const { epochs, schedule, warmupSteps, evaluation, checkpoint, convergence } = run;
  const decisive = learners.find((learner) => learner.name === 'student') ?? learners[0]!;
  return {
    ...{ epochs, schedule, warmupSteps, evaluation, checkpoint, convergence },
    ...rest,
    ...{ name, learners, frozen: answering, decisive: decisive.name, promotes },
  };
}

/** Numbers stages by their order. */
export function inOrder(stages: readonly Omit<Stage, 'index'>[]): readonly Stage[] {
  return stages.map((each, index) => ({ ...each, index }));
}

/** The student of a run. `methodProblems` has reported a spec without one before stages are made. */
export function studentOf({ student }: RunSettings): TrainingSpec {
  if (!student) throw new TypeError('the spec names no student');
  return student;
}

/** The teacher of a run whose method uses one, as `studentOf`. */
export function teacherOf({ teacher }: RunSettings): TrainingSpec {
  if (!teacher) throw new TypeError('the spec names no teacher');
  return teacher;
}
