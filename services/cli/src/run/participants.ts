import { closest } from '@trikd/core/domain/closest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { Learner, Stage } from '@trikd/core/stages/stage';
import { stagesOf } from '@trikd/core/stages/stages-of';

/** Names of the learners of a run, in the order of its stages. */
export function learnerNames(spec: RunSpec): readonly string[] {
  return [...new Set(stagesOf(spec).flatMap(({ learners }) => learners.map(({ name }) => name)))];
}

/** Names of learners in the order in which the run has them. */
export function inOrderOf(spec: RunSpec, names: Iterable<string>): readonly string[] {
  const known = learnerNames(spec);
  return [...new Set(names)].sort((a, b) => known.indexOf(a) - known.indexOf(b));
}

/** @throws TrikdError 'not-found' for a name that no learner of the run has, with the nearest one */
export function assertLearners(spec: RunSpec, names: readonly string[]): void {
  const known = learnerNames(spec);
  for (const name of names) {
    if (known.includes(name)) continue;
    const meant = closest(name, known);
    const hint = meant === undefined ? `it has ${known.join(', ')}` : `did you mean ${meant}?`;
    throw new TrikdError('not-found', `run ${spec.name} has no learner ${name}; ${hint}`);
  }
}

/** A stage by its index. @throws TrikdError 'invalid' beyond the last */
export function stageOf(spec: RunSpec, index: number): Stage {
  const stages = stagesOf(spec);
  const stage = stages[index];
  if (stage) return stage;
  throw new TrikdError('invalid', `run ${spec.name} has ${stages.length} stages, there is none of index ${index}`);
}

/** A learner of a stage. @throws TrikdError 'invalid' when the stage has none of this name */
export function learnerAt(spec: RunSpec, index: number, name: string): Learner {
  const { name: stage, learners } = stageOf(spec, index);
  const learner = learners.find((each) => each.name === name);
  if (learner) return learner;
  throw new TrikdError('invalid', `stage ${stage} of run ${spec.name} has no learner ${name}`);
}
