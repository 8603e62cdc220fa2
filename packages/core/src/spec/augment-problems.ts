import { needsLabel } from '../losses/registry.js';
import { type StagedRun, stagesOf } from '../stages/stages-of.js';
import { type TaskChoice, taskOf } from '../tasks/task-of.js';
import { type AugmentSpec, mixesOf } from './augment-spec.js';
import type { SpecProblem } from './problem.js';

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
