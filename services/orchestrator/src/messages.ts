import { bestGeneration } from '@trikd/core/run/promotion';
import type { AnchorMove, GenerationResult, RunState } from '@trikd/core/run/state';
import { canonicalJson, type RunSpec } from '@trikd/core/spec';
import {
  AnchorMoveKind,
  type AnchorMove as MoveMessage,
  type GenerationResult as ResultMessage,
  type Run,
  RunAdvance,
  type RunAnchor,
  RunPhase,
  type WatchRunResponse,
} from '@trikd/platform/gen/trikd/v1/run';
import { fromBestParams, fromRole, fromScore } from '@trikd/platform/grpc/convert';
import { fromProgress } from '@trikd/platform/grpc/convert-trainer';
import type { RunNews, RunView } from './ports.js';

const PHASES: Readonly<Record<RunState['phase'], RunPhase>> = {
  preparing: RunPhase.RUN_PHASE_PREPARING,
  training: RunPhase.RUN_PHASE_TRAINING,
  promoting: RunPhase.RUN_PHASE_PROMOTING,
  completed: RunPhase.RUN_PHASE_COMPLETED,
  failed: RunPhase.RUN_PHASE_FAILED,
  waiting: RunPhase.RUN_PHASE_WAITING,
  paused: RunPhase.RUN_PHASE_PAUSED,
  cancelled: RunPhase.RUN_PHASE_CANCELLED,
};

/** A run as it goes over the wire. */
export function fromRun({ spec, state, stalls = [] }: RunView): Run {
  return {
    runId: spec.name,
    spec: canonicalJson(spec),
    phase: PHASES[state.phase],
    generation: state.generation,
    attempt: state.attempt,
    generations: state.results.map(fromResult),
    failure: state.phase === 'failed' ? state.reason : '',
    bestGeneration: bestGeneration(state.results) ?? 0,
    anchor: state.phase === 'completed' ? undefined : anchorOf(state),
    stalls: stalls.map(({ by, on, reason }) => ({ by, on, reason })),
    rollbacks: state.moves.filter(({ by }) => by === 'rollback').length,
    createTime: undefined,
    updateTime: undefined,
    conditions: [],
    progress: undefined,
    anchorMoves: state.moves.map(fromMove),
    advance: ADVANCE[spec.curriculum.advance],
    failureKind: state.phase === 'failed' ? state.kind : '',
    endTime: undefined,
  };
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
  return { kind: MOVES[by], generation: to, during, time: at === undefined ? undefined : new Date(at) };
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

/** News of a run as they go over the wire. */
export function fromNews(news: RunNews): WatchRunResponse {
  return { event: eventOf(news), number: 0, time: undefined };
}

function eventOf(news: RunNews): NonNullable<WatchRunResponse['event']> {
  switch (news.kind) {
    case 'run':
      return { $case: 'run', value: fromRun(news) };
    case 'progress': {
      const { generation, totalSteps } = news;
      const progress = fromProgress(news.progress, news.role);
      return { $case: 'progress', value: { role: fromRole(news.role), generation, totalSteps, progress } };
    }
    case 'evaluation': {
      const { generation, step } = news;
      const evaluation = { step, validation: fromScore(news.validation) };
      return { $case: 'evaluation', value: { role: fromRole(news.role), generation, evaluation } };
    }
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
  }
}
