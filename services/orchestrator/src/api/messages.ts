import { bestGeneration } from '@trikd/core/run/promotion';
import { type AnchorMove, type GenerationResult, hasEnded, type RunState } from '@trikd/core/run/state';
import { canonicalJson, type RunSpec } from '@trikd/core/spec/run-spec';
import { fromBestParams, fromRole, fromScore } from '@trikd/protocol/convert';
import { fromSlowStep, fromStepTimes } from '@trikd/protocol/convert-timing';
import { fromProgress } from '@trikd/protocol/convert-trainer';
import {
  AnchorMoveKind,
  ConditionStatus,
  type AnchorMove as MoveMessage,
  type GenerationResult as ResultMessage,
  type RoleEvaluation,
  type RoleProgress,
  type Run,
  RunAdvance,
  type RunAnchor,
  type RunCondition,
  type RunProgress,
  type WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { RUN_PHASES } from '@trikd/protocol/run-phases';
import { type Condition, conditionsOf } from '../runs/conditions.js';
import type { EvaluationNews, ProgressNews, RunNews, RunView } from '../runs/ports.js';
import { type Progress, progressOf } from '../runs/progress.js';

/** A run as it goes over the wire. */
export function fromRun(view: RunView): Run {
  const spec = SPECS.get(view.spec) ?? canonicalJson(view.spec);
  SPECS.set(view.spec, spec);
  return { ...slimRun(view, view.state), spec };
}

/** Texts of specs: who follows a run with many others asks for the same again and again. */
const SPECS = new WeakMap<RunSpec, string>();

/**
 * As the numbered events have it. Whoever follows has seen the spec, and what came of earlier generations: were all of that in each
 * event, what is remembered, stored and sent of a run would grow with the square of its generations. The end tells everything again.
 */
function numberedRun(view: RunView): Run {
  const { state } = view;
  if (hasEnded(state)) return slimRun(view, state);
  return slimRun(view, { results: state.results.slice(-1), moves: state.moves.slice(-1) });
}

/** A run without its spec, with some of its results and moves. */
function slimRun(view: RunView, { results, moves }: Pick<RunState, 'results' | 'moves'>): Run {
  const { spec, state, times, live } = view;
  return {
    runId: spec.name,
    spec: '',
    phase: RUN_PHASES[state.phase],
    generation: state.generation,
    attempt: state.attempt,
    generations: results.map(fromResult),
    failure: state.phase === 'failed' ? state.reason : '',
    bestGeneration: bestGeneration(state.results) ?? 0,
    anchor: state.phase === 'completed' ? undefined : anchorOf(state),
    stalls: (live?.stalls ?? []).map(({ by, on, reason }) => ({ by, on, reason })),
    rollbacks: state.moves.filter(({ by }) => by === 'rollback').length,
    createTime: dateOf(times.created),
    updateTime: dateOf(times.updated),
    conditions: conditionsOf(view).map(fromCondition),
    progress: fromRunProgress(progressOf(view)),
    anchorMoves: moves.map(fromMove),
    advance: ADVANCE[spec.curriculum.advance],
    failureKind: state.phase === 'failed' ? state.kind : '',
    endTime: dateOf(times.ended),
  };
}

function dateOf(time: string | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time);
}

function fromCondition({ type, holds, reason, message, since }: Condition): RunCondition {
  const known = holds === true ? ConditionStatus.CONDITION_STATUS_TRUE : ConditionStatus.CONDITION_STATUS_FALSE;
  const status = holds === 'unknown' ? ConditionStatus.CONDITION_STATUS_UNKNOWN : known;
  return { type, status, reason, message, lastTransitionTime: dateOf(since) };
}

function fromRunProgress({ roles, evaluations, ...progress }: Progress): RunProgress {
  return { ...progress, roles: roles.map(fromProgressNews), evaluations: evaluations.map(fromEvaluationNews) };
}

function fromProgressNews({ role, generation, totalSteps, progress }: ProgressNews): RoleProgress {
  return { role: fromRole(role), generation, totalSteps, progress: fromProgress(progress, role) };
}

function fromEvaluationNews({ role, generation, step, validation }: EvaluationNews): RoleEvaluation {
  return { role: fromRole(role), generation, evaluation: { step, validation: fromScore(validation) } };
}

const ADVANCE: Readonly<Record<RunSpec['curriculum']['advance'], RunAdvance>> = {
  automatic: RunAdvance.RUN_ADVANCE_AUTOMATIC,
  manual: RunAdvance.RUN_ADVANCE_MANUAL,
};

const MOVES: Readonly<Record<AnchorMove['by'], AnchorMoveKind>> = {
  rule: AnchorMoveKind.ANCHOR_MOVE_KIND_RULE,
  override: AnchorMoveKind.ANCHOR_MOVE_KIND_OVERRIDE,
  rollback: AnchorMoveKind.ANCHOR_MOVE_KIND_ROLLBACK,
};

function fromMove({ by, to, during, at }: AnchorMove): MoveMessage {
  return { kind: MOVES[by], generation: to, during, time: dateOf(at) };
}

function anchorOf(state: Exclude<RunState, { readonly phase: 'completed' }>): RunAnchor | undefined {
  if (!state.anchor) return undefined;
  const scores = 'anchorScores' in state ? state.anchorScores : undefined;
  return {
    generation: state.anchor.generation,
    validation: scores && fromScore(scores.validation),
    test: scores && fromScore(scores.test),
  };
}

function fromResult(result: GenerationResult): ResultMessage {
  return {
    generation: result.generation,
    student: fromBestParams(result.student),
    teacher: fromBestParams(result.teacher),
    anchorValidation: result.anchorScores && fromScore(result.anchorScores.validation),
    anchorTest: result.anchorScores && fromScore(result.anchorScores.test),
    promoted: result.promoted,
    steps: result.steps,
    studentStateSha256: result.studentStateSha256,
    teacherStateSha256: result.teacherStateSha256,
  };
}

/** How a run stands, for whoever begins to follow it: no event of the run. */
export function standing(view: RunView): WatchRunResponse {
  return { event: { $case: 'run', value: fromRun(view) }, number: 0, time: undefined };
}

/** What is said to a follower of events that are not kept any more. */
export function missing(fromEvent: number, firstKept: number): WatchRunResponse {
  return { event: { $case: 'missing', value: { fromEvent, firstKept } }, number: 0, time: undefined };
}

/** News of a run as they go over the wire. */
export function eventOf(news: RunNews): NonNullable<WatchRunResponse['event']> {
  switch (news.kind) {
    case 'run':
      return { $case: 'run', value: numberedRun(news) };
    case 'progress':
      return { $case: 'progress', value: fromProgressNews(news) };
    case 'evaluation':
      return { $case: 'evaluation', value: fromEvaluationNews(news) };
    case 'alarm': {
      const { generation, step, message } = news;
      return { $case: 'alarm', value: { role: fromRole(news.role), generation, alarm: { step, message } } };
    }
    case 'committed': {
      const { generation, step, manifestKey } = news;
      return { $case: 'committed', value: { generation, step, manifestKey } };
    }
    case 'drained':
      return { $case: 'drained', value: { generation: news.generation, step: news.step } };
    case 'step-times':
      return { $case: 'stepTimes', value: fromStepTimes(news) };
    case 'slow-step':
      return { $case: 'slowStep', value: fromSlowStep(news) };
  }
}
