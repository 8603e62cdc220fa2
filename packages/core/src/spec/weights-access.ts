import type { FileRef } from '../stages/origin.js';
import type { StagedRun } from '../stages/stages-of.js';
import { stagesOf } from '../stages/stages-of.js';
import type { DataAccess } from './data-access.js';

/** A weights file that a service does not read, where the spec names it, and why. */
export interface WeightsProblem {
  readonly field: string;
  readonly description: string;
}

/** Why a service does not read the weights files of a spec. It says nothing about the files of the service. */
export function weightsProblems(spec: StagedRun, access: DataAccess): readonly WeightsProblem[] {
  const found = new Map<string, WeightsProblem>();
  for (const [field, ref] of filesOf(spec)) {
    const description = problemOf(ref, access);
    if (description !== undefined) found.set(field, { field, description });
  }
  return [...found.values()];
}

function problemOf({ file, isRegistered }: FileRef, { weights = [], paths }: DataAccess): string | undefined {
  const known = weights.length > 0 ? `one of ${weights.join(', ')}` : 'which its operator registers';
  if (!isRegistered) {
    return paths ? undefined : `this service reads no path that a spec names: name registered weights, ${known}`;
  }
  return weights.includes(file) ? undefined : `this service has no weights ${file}: name ${known}`;
}

/** The files that a spec names, each with its field. */
function filesOf(spec: StagedRun): readonly (readonly [field: string, ref: FileRef])[] {
  return stagesOf(spec).flatMap(({ index, frozen, learners }) => {
    const models = frozen.flatMap(({ name, from }) => (from === 'promoted' ? [] : [{ name, ref: from, is: 'from' }]));
    const initial = learners.flatMap(({ name, init }) => (init === 'fresh' ? [] : [{ name, ref: init, is: 'init' }]));
    return [...models, ...initial].flatMap(({ name, ref, is }) => {
      if (ref.kind !== 'file') return [];
      const list = is === 'from' ? 'frozen' : 'learners';
      return [[spec.stages ? `stages.${index}.${list}.${name}.${is}` : `${name}.${is}`, ref] as const];
    });
  });
}
