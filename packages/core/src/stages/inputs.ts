import type { Ref, Stage } from './stage.js';
import { type StagedRun, stagesOf } from './stages-of.js';

/** Params that a stage starts from. */
export interface StageInput {
  /** The participant that gets them. */
  readonly name: string;
  /** The student that was promoted, or a learner of an earlier stage with the index of that stage. */
  readonly from: 'promoted' | (Ref & { readonly index: number });
}

/** The params that a stage starts from: of its frozen models, and of learners that do not start from fresh ones. */
export function inputsOf(spec: StagedRun, { frozen, learners }: Stage): readonly StageInput[] {
  const indexOf = (name: string) => stagesOf(spec).findIndex((stage) => stage.name === name);
  const input = (name: string, from: 'promoted' | Ref): StageInput => ({
    name,
    from: from === 'promoted' ? from : { ...from, index: indexOf(from.stage) },
  });
  return [
    ...frozen.map(({ name, from }) => input(name, from)),
    ...learners.flatMap(({ name, init }) => (init === 'fresh' ? [] : [input(name, init)])),
  ];
}
