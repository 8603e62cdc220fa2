import type { z } from 'zod';
import { needsLabel } from '../losses/registry.js';
import type { Knobs, Method } from '../methods/method.js';
import { chosenMethod } from '../methods/registry.js';
import { objectiveProblem, replicasProblem, stageProblems } from '../stages/problems.js';
import { type StagedRun, stagesOf } from '../stages/stages-of.js';
import { type TaskChoice, taskOf } from '../tasks/task-of.js';
import { type AugmentSpec, type DataSpec, isByIdentity, mixesOf } from './data-spec.js';
import type { SpecProblem } from './fields.js';

/** What a spec lacks for its method or its stages, and what it sets that they do not use. */
export function methodProblems(spec: StagedRun): readonly SpecProblem[] {
  const settings = spec.stages ? besideStages(spec) : ofMethod(spec);
  if (settings.length > 0) return settings;
  const stages = stagesOf(spec);
  const problems = stageProblems(stages).map(({ path, message }) => ({ path: ['stages', ...path], message }));
  const written = spec.stages ? problems : oncePerPath(problems.map((each) => ({ ...each, path: shorter(each.path) })));
  return [...written, ...learnerProblems(spec)];
}

function besideStages({ method, student, teacher, assistants }: StagedRun): readonly SpecProblem[] {
  const set = Object.entries({ method, student, teacher, assistants }).filter(([, value]) => value !== undefined);
  return set.map(([name]) => ({ path: [name], message: `stages are written out: they say what ${name} would` }));
}

function ofMethod(spec: StagedRun): readonly SpecProblem[] {
  const { method, knobs } = chosenMethod(spec.method);
  const { kind } = knobs;
  const problems: SpecProblem[] = [];
  const missing = (name: string, message = 'missing: expected a section') => problems.push({ path: [name], message });
  if (!spec.student) missing('student');
  if (method.uses.includes('teacher') && !spec.teacher) missing('teacher');
  if (method.uses.includes('assistants') && !spec.assistants) missing('assistants', 'missing: expected a list');
  for (const name of ['teacher', 'assistants'] as const) {
    if (spec[name] && !method.uses.includes(name))
      problems.push({ path: [name], message: `the method ${kind} has no ${name}: leave it out` });
  }
  if (spec.teacher?.from && method.uses.includes('teacher') && !freezesTeacher(method, knobs)) {
    const message = `the method ${kind} trains its teacher: leave it out, or take init to start from these params`;
    problems.push({ path: ['teacher', 'from'], message });
  }
  if (method.uses.includes('objective')) return problems;
  for (const role of ['student', 'teacher'] as const) {
    if (!spec[role]?.objective) continue;
    const message = `the method ${kind} makes the objectives itself, by its knobs in method: leave it out, or write stages`;
    problems.push({ path: [role, 'objective'], message });
  }
  return problems;
}

function freezesTeacher({ freezesTeacher: may = false }: Method, knobs: z.output<Knobs>): boolean {
  return typeof may === 'function' ? may(knobs) : may;
}

/** Each setting once, by the last stage at fault: the first one has not all participants yet. */
function oncePerPath(problems: readonly SpecProblem[]): readonly SpecProblem[] {
  return [...new Map(problems.map((each) => [each.path.join(), each])).values()];
}

/** What is wrong with the settings of learners, each problem once, however many stages have it. */
function learnerProblems(spec: StagedRun): readonly SpecProblem[] {
  const found = new Map<string, SpecProblem>();
  for (const stage of stagesOf(spec)) {
    for (const learner of stage.learners) {
      const at = spec.stages ? ['stages', stage.index, 'learners'] : [];
      const report = (field: string, message: string | undefined) => {
        const path = [...at, learner.name, field];
        if (message !== undefined && !found.has(path.join())) found.set(path.join(), { path, message });
      };
      report('objective', objectiveProblem(stage, learner));
      report('replicas', replicasProblem(spec.batchSize, learner));
    }
  }
  return [...found.values()];
}

/** The stages of a method are not in the file: a mistake in them is one in the settings of the role. */
function shorter(path: SpecProblem['path']): SpecProblem['path'] {
  const learners = path.indexOf('learners');
  return learners === -1 ? ['method'] : path.slice(learners + 1);
}

/** Why the data of a run are none of its task. */
export function taskProblems(spec: TaskChoice & { readonly data: DataSpec }): readonly SpecProblem[] {
  const { data } = spec;
  const { kind, labels } = taskOf(spec);
  if (isByIdentity(data) === (labels === 'identities')) return [];
  if (labels === 'classes') {
    const message = `${kind} knows the classes of training alone, and these data have other identities in validation and test: set task to verification`;
    return [{ path: ['task'], message }];
  }
  const message = `${kind} needs other identities in validation and test than in training`;
  if (['idx', 'images', 'shards', 'module'].includes(data.kind))
    return [{ path: ['data', 'split'], message: `${message}: set it to identities` }];
  return [{ path: ['data', 'kind'], message: `${message}: take synthetic-identities` }];
}

/** What of a run needs one label for each image, while augmentation mixes images. */
export function augmentProblems(
  spec: StagedRun & TaskChoice & { readonly augment: AugmentSpec },
): readonly SpecProblem[] {
  const mixes = mixesOf(spec.augment);
  if (mixes.length === 0) return [];
  const reason = `an image has two labels after ${mixes.map(({ kind }) => kind).join(' and ')}`;
  const task = taskOf(spec);
  const unable = new Set(task.labels === 'identities' ? [`the task ${task.kind}`] : []);
  const terms = stagesOf(spec).flatMap(({ learners }) => learners.flatMap(({ objective }) => objective));
  for (const term of terms) {
    if (term.kind === 'distillation' && needsLabel(term.loss)) unable.add(`the loss ${term.loss?.kind}`);
  }
  return [...unable].map((name) => ({ path: ['augment'], message: `${reason}, and ${name} needs one` }));
}
