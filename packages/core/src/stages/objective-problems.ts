import type { TermSpec } from '../spec/role-spec.js';
import { isEverPositive } from '../spec/scheduled.js';
import type { Learner, Stage } from './stage.js';

/** Why a learner would learn nothing, or a gate would have nothing to compare with; undefined when neither. */
export function objectiveProblem(stage: Stage, { objective }: Learner): string | undefined {
  const generation = stage.generation ?? stage.index;
  const counts = (term: TermSpec) => isEverPositive(term.weight, generation);
  if (!objective.some(counts)) return `nothing to learn from in ${inWords(stage)} with a weight above 0 is needed`;
  const isGated = objective.some((term) => term.kind === 'distillation' && term.gate);
  if (!isGated || objective.some((term) => term.kind === 'task' && counts(term))) return undefined;
  return 'a gate compares with the gradient of the task: a task term with a weight above 0 is needed';
}

function inWords(stage: Stage): string {
  if (stage.generation === 0) return 'generation 0, which has no anchor: a task or peer term';
  return `${placeOf(stage)}: a term`;
}

function placeOf({ generation, name }: Stage): string {
  return generation === undefined ? `stage ${name}` : `generation ${generation}`;
}
