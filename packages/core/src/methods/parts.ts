import { z } from 'zod';
import type { TrainedRole } from '../domain/position.js';
import { Amount, PositiveAmount } from '../spec/fields.js';
import type { RoleSpec, TermSpec, TrainingSpec } from '../spec/role-spec.js';
import type { RunSettings } from '../spec/run-settings.js';
import { type Ref, refOf } from '../stages/origin.js';
import { outsideModel } from '../stages/outside-model.js';
import type { Budget, Frozen, Learner, Stage } from '../stages/stage.js';

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

/** How a learner of a method trains, and the params that it starts from. */
export type Trained = TrainingSpec & Pick<RoleSpec, 'init'>;

/** A learner that no stage before has trained: with fresh params, or with those that the spec names. */
export function fresh(
  name: string,
  slot: TrainedRole,
  { model, optimizer, learningRate, clipNorm, replicas, init }: Trained,
  objective: readonly TermSpec[],
): Learner {
  const training = { model, optimizer, learningRate, clipNorm, ...(replicas !== undefined && { replicas }) };
  return { name, slot, ...training, objective, init: init ? refOf(init) : 'fresh' };
}

/** A frozen model with the best params of a learner of an earlier stage, under the learner's name or another one. */
export function frozen({ name: stage }: Pick<Stage, 'name'>, { name, model }: Learner, as = name): Frozen {
  const from: Ref = { kind: 'stage', stage, participant: name, at: 'best' };
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
export function studentOf({ student }: RunSettings): Trained {
  if (!student) throw new TypeError('the spec names no student');
  return student;
}

/** The teacher of a run whose method uses one, as `studentOf`. */
export function teacherOf({ teacher }: RunSettings): Trained {
  if (!teacher?.model) throw new TypeError('the spec names no network of the teacher');
  return { ...teacher, model: teacher.model };
}

/** A frozen teacher, and the stage that trains it, if one does. */
export interface FrozenTeacher {
  readonly stages: readonly Omit<Stage, 'index'>[];
  readonly teacher: Frozen;
}

/** The teacher of a method that freezes it: from outside of the run, or after a stage of its own on the labels. */
export function frozenTeacher(run: RunSettings, budget: Partial<Budget> = {}): FrozenTeacher {
  const { from, model, preprocessing } = run.teacher ?? {};
  if (from) return { stages: [], teacher: outsideModel('teacher', { from, model, preprocessing }) };
  const learner = fresh('teacher', 'teacher', teacherOf(run), [labels()]);
  const before = stage(run, 'teacher', [learner], budget);
  return { stages: [before], teacher: frozen(before, learner) };
}
