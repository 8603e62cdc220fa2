import { type EndpointRef, type Ref, type StageRef } from './origin.js';
import type { Stage } from './stage.js';
import { type StagedRun, stagesOf } from './stages-of.js';

/** Params that a stage starts from. */
export interface StageInput {
  /** The participant that gets them. */
  readonly name: string;
  /** The student that was promoted, a learner of an earlier stage with the index of that stage, or what is outside of the run. */
  readonly from: 'promoted' | (StageRef & { readonly index: number }) | Exclude<Ref | EndpointRef, StageRef>;
}

/** What a stage starts from: its frozen models, and the params of learners that do not start from fresh ones. */
export function inputsOf(spec: StagedRun, { frozen, learners }: Stage): readonly StageInput[] {
  const indexOf = (name: string) => stagesOf(spec).findIndex((stage) => stage.name === name);
  const input = (name: string, from: 'promoted' | Ref | EndpointRef): StageInput => ({
    name,
    from: from !== 'promoted' && from.kind === 'stage' ? { ...from, index: indexOf(from.stage) } : from,
  });
  return [
    ...frozen.map(({ name, from }) => input(name, from)),
    ...learners.flatMap(({ name, init }) => (init === 'fresh' ? [] : [input(name, init)])),
  ];
}
