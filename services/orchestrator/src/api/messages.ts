import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { duty } from '@trikd/core/run/advance';
import { type RunSpec } from '@trikd/core/spec/run-spec';
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
} from '@trikd/protocol/convert-run';
import {
  type GetCallerResponse,
  type Run,
  RunAdvance,
  type WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { type Caller, VERBS } from '@trikd/transport/access/caller';
import { phaseChanged } from '../events/run-changes.js';
import type { RunView } from '../runs/ports.js';
import { progressOf } from '../runs/progress.js';

/** The message of a run. */
export function fromRun(view: RunView): Run {
  const { spec, state, times, live, owner } = view;
  const { roles, evaluations, ...progress } = progressOf(view);
  const stages = stagesOf(spec);
  return {
    runId: spec.name,
    spec: specText(spec),
    ...fromPhaseChanged(phaseChanged(view)),
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

/** Texts of specs: each follower of a run gets a snapshot with the same one. */
const SPECS = new WeakMap<RunSpec, string>();

function specText(spec: RunSpec): string {
  const text = SPECS.get(spec) ?? canonicalJson(spec);
  SPECS.set(spec, text);
  return text;
}

const ADVANCE: Readonly<Record<RunSpec['curriculum']['advance'], RunAdvance>> = {
  automatic: RunAdvance.RUN_ADVANCE_AUTOMATIC,
  manual: RunAdvance.RUN_ADVANCE_MANUAL,
};

/** Who a caller is. */
export function fromCaller(caller: Caller): GetCallerResponse {
  const { kind } = caller;
  if (kind === 'user') return { kind, subject: caller.subject, teams: [...caller.teams], verbs: [...caller.verbs] };
  return { kind, subject: kind === 'service' ? caller.role : '', teams: [], verbs: [...VERBS] };
}

/** How a run is when a stream opens: the one event that carries a whole run. */
export function snapshotEvent(view: RunView): WatchRunResponse {
  return { event: { $case: 'run', value: fromRun(view) }, number: 0, time: undefined };
}

/** The note that events are not kept any more. @param firstKept the oldest that is kept from there on; 0: none */
export function missing(fromEvent: number, firstKept: number): WatchRunResponse {
  return { event: { $case: 'missing', value: { fromEvent, firstKept } }, number: 0, time: undefined };
}
