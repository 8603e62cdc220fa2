import type { Blob } from '../domain/role-checkpoint.js';
import type { ModelSpec } from '../models/registry.js';
import { bestStage } from '../run/promotion.js';
import type { RunState } from '../run/state.js';
import type { AnchorPointer } from '../run/stored/anchor-pointer.js';
import type { RunSpec } from '../spec/run-spec.js';
import { stagesOf } from '../stages/stages-of.js';

/** Params of a learner that can be served: as it validated best in a stage that has ended. */
export interface RunVersion {
  /** Index of the stage. */
  readonly stage: number;
  readonly model: ModelSpec;
  readonly params: Blob;
}

/** What can be served of a learner. */
export interface RunVersions {
  /** In the order of the stages. */
  readonly all: readonly RunVersion[];
  /** The one that is served when none is named; undefined while there is none. */
  readonly current: RunVersion | undefined;
}

/** The stored facts that decide what is served. */
export interface RunFacts {
  readonly spec: RunSpec;
  readonly state: Pick<RunState, 'phase' | 'results' | 'moves'>;
  readonly pointer: AnchorPointer | undefined;
}

/** Names of the learners of a run, the one that the result is of first. */
export function servedLearners(spec: RunSpec): readonly string[] {
  const stages = stagesOf(spec);
  const names = stages.flatMap(({ learners }) => learners.map(({ name }) => name));
  return [...new Set([stages.at(-1)!.decisive, ...names])];
}

/**
 * The versions of a learner. The current one is of the stage that the run stands by, or of the last stage before it that trained the
 * learner.
 */
export function runVersions(facts: RunFacts, learner: string): RunVersions {
  const { spec, state } = facts;
  const stages = stagesOf(spec);
  const all = state.results.flatMap(({ stage, learners }): RunVersion[] => {
    const model = stages[stage]?.learners.find(({ name }) => name === learner)?.model;
    const best = learners[learner]?.best;
    return model && best ? [{ stage, model, params: best.params }] : [];
  });
  const until = standing(facts);
  return { all, current: until === undefined ? undefined : all.findLast(({ stage }) => stage <= until) };
}

/**
 * The stage that a run stands by: of a run that is complete its result, unless a person has moved the anchor last; of any other that of
 * the anchor, and before the first promotion its best one so far.
 */
function standing({ spec, state, pointer }: RunFacts): number | undefined {
  const byHand = (state.moves.at(-1)?.by ?? 'rule') !== 'rule';
  const result = bestStage(state.results, spec);
  if (state.phase === 'completed' && !byHand) return result ?? pointer?.stage;
  return pointer?.stage ?? result;
}
