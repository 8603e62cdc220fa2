import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { duty } from '@trikd/core/run/advance';
import type { Placement } from '@trikd/core/run/placement';
import type { QueueWait } from '@trikd/core/run/queue';
import { phaseChanged, progressOf, type RunView } from '@trikd/core/run/run-view';
import type { RunSummary } from '@trikd/core/run/summary';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import {
  fromMove,
  fromOwner,
  fromPhaseChanged,
  fromPlacement,
  fromResult,
  fromRoleEvaluated,
  fromRoleProgressed,
  fromRunProgress,
  fromStall,
  toDate,
} from './convert-run.js';
import { type Run, RunAdvance, type RunSummary as SummaryMessage } from './gen/node/trikd/v1/run.js';
import { RUN_PHASES } from './run-phases.js';

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
    stages: state.results.map((result) => fromResult(result, stages[result.stage]?.name ?? '')),
    stageCount: stages.length,
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

/** What an orchestrator knows of a run besides its summary. */
export interface SummaryContext {
  /** 0..100. */
  readonly percent: number;
  /** What the run waits for, in one sentence; absent if it waits for nothing. */
  readonly waits?: string;
  readonly placement: Placement;
  readonly waiting?: QueueWait;
}

/** The message of a summary. */
export function fromSummary(run: RunSummary & SummaryContext): SummaryMessage {
  const { runId, phase, stageName, stage, percent, method, seed, networks, result, failure, waits, times, tags } = run;
  return {
    ...{ runId, phase: RUN_PHASES[phase], stageName, stage, percent, method, seed },
    networks: networks.map(({ participant, network }) => ({ participant, network })),
    result: result && { ...result, test: result.test },
    message: failure ?? waits ?? '',
    createTime: toDate(times.created),
    startTime: toDate(times.started),
    updateTime: toDate(times.updated),
    endTime: toDate(times.ended),
    owner: fromOwner(run.owner),
    placement: fromPlacement(run),
    tags: [...tags],
  };
}
