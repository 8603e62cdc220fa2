import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { duty } from '@trikd/core/run/advance';
import { progressOf } from '@trikd/core/run/progress';
import { phaseChanged } from '@trikd/core/run/run-changes';
import type { RunView } from '@trikd/core/run/run-view';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import {
  fromMove,
  fromOwner,
  fromPhaseChanged,
  fromResult,
  fromRoleEvaluated,
  fromRoleProgressed,
  fromRunProgress,
  fromStall,
  toDate,
} from './convert-run.js';
import { type Run, RunAdvance } from './gen/node/trikd/v1/run.js';

/** The message of a run. */
export function fromRun(view: RunView): Run {
  const { spec, state, times, live, owner } = view;
  const { roles, evaluations, ...progress } = progressOf(view);
  const stages = stagesOf(spec);
  const { numerics: _, ...phase } = fromPhaseChanged(phaseChanged(view));
  return {
    runId: spec.name,
    ...specFields(spec),
    ...phase,
    progress: {
      ...fromRunProgress(progress),
      roles: roles.map(fromRoleProgressed),
      evaluations: evaluations.map(fromRoleEvaluated),
    },
    generations: state.results.map((result) => fromResult(result, stages[result.generation]?.name ?? '')),
    stages: stages.length,
    // A run that rests or has ended waits for nothing.
    stalls: ((duty(state) && live?.stalls) || []).map(fromStall),
    rollbacks: state.moves.filter(({ by }) => by === 'rollback').length,
    createTime: toDate(times.created),
    anchorMoves: state.moves.map(fromMove),
    advance: ADVANCE[spec.curriculum.advance],
    owner: fromOwner(owner),
  };
}

/** Texts and digests of specs: each follower of a run gets a snapshot with the same ones. */
const SPECS = new WeakMap<RunSpec, Pick<Run, 'spec' | 'specDigest'>>();

function specFields(spec: RunSpec): Pick<Run, 'spec' | 'specDigest'> {
  const fields = SPECS.get(spec) ?? { spec: canonicalJson(spec), specDigest: specDigest(spec) };
  SPECS.set(spec, fields);
  return fields;
}

const ADVANCE: Readonly<Record<RunSpec['curriculum']['advance'], RunAdvance>> = {
  automatic: RunAdvance.RUN_ADVANCE_AUTOMATIC,
  manual: RunAdvance.RUN_ADVANCE_MANUAL,
};
