import type { AttemptNumerics } from '@trikd/core/domain/numerics';
import { ROLES } from '@trikd/core/domain/position';
import type { Owner, PlacementRequest } from '@trikd/core/run/placement';
import type {
  AnchorMoved,
  Condition,
  PhaseChanged,
  RoleEvaluated,
  RoleProgressed,
  RunEvent,
  RunProgress,
  StageNames,
  Stall,
} from '@trikd/core/run/run-event';
import type { AnchorMove, StageResult } from '@trikd/core/run/state';
import { fromBestParams, fromRole, fromScore } from './convert.js';
import { fromFrozenScores } from './convert-anchor.js';
import { fromNumerics } from './convert-participant.js';
import { fromSlowStep, fromStepTimes } from './convert-timing.js';
import { fromProgress } from './convert-trainer.js';
import {
  AnchorMoveKind,
  ConditionStatus,
  type AnchorMove as MoveMessage,
  type PhaseChanged as PhaseChangedMessage,
  type RunProgress as ProgressMessage,
  type StageResult as ResultMessage,
  type RoleEvaluation,
  type RoleNumerics,
  type RoleProgress,
  type RunAnchor,
  type RunCondition,
  type RunOwner,
  type RunPlacement,
  type RunStall,
  type RunStage as StageMessage,
  type WatchRunResponse,
} from './gen/node/trikd/v1/run.js';
import { RUN_PHASES } from './run-phases.js';

/** The message of an event of a run. */
export function fromRunEvent(event: RunEvent): NonNullable<WatchRunResponse['event']> {
  switch (event.kind) {
    case 'phase-changed':
      return { $case: 'phaseChanged', value: fromPhaseChanged(event) };
    case 'stage-ended':
      return { $case: 'stageEnded', value: { result: fromResult(event.result, event.stageName) } };
    case 'anchor-moved':
      return { $case: 'anchorMoved', value: { move: fromMove(event.move) } };
    case 'stalls-changed':
      return {
        $case: 'stallsChanged',
        value: { stalls: event.stalls.map(fromStall), conditions: [fromCondition(event.condition)] },
      };
    case 'progress':
      return { $case: 'progress', value: fromRoleProgressed(event) };
    case 'evaluation':
      return { $case: 'evaluation', value: fromRoleEvaluated(event) };
    case 'alarm': {
      const { participant, stage, step, message } = event;
      return { $case: 'alarm', value: { participant, stage, alarm: { step, message } } };
    }
    case 'trio-incident': {
      const { role, stage, reason, message } = event;
      return { $case: 'trioIncident', value: { role: fromRole(role), stage, reason, message } };
    }
    case 'pair-committed': {
      const { stage, step, manifestKey } = event;
      return { $case: 'committed', value: { stage, step, manifestKey } };
    }
    case 'drained':
      return { $case: 'drained', value: { stage: event.stage, step: event.step } };
    case 'step-times':
      return { $case: 'stepTimes', value: fromStepTimes(event) };
    case 'slow-step':
      return { $case: 'slowStep', value: fromSlowStep(event) };
  }
}

export function fromPhaseChanged(event: PhaseChanged): PhaseChangedMessage {
  const { phase, stage, currentStage, attempt, failure, bestStage, anchor, conditions, progress, updated, ended } =
    event;
  return {
    phase: RUN_PHASES[phase],
    stage,
    currentStage: fromStage(currentStage),
    attempt,
    failure: failure?.message ?? '',
    failureKind: failure?.kind ?? '',
    bestStage: bestStage ?? 0,
    anchor: anchor && fromAnchor(anchor),
    conditions: conditions.map(fromCondition),
    progress: fromRunProgress(progress),
    updateTime: toDate(updated),
    endTime: toDate(ended),
    placement: fromPlacement(event),
    numerics: fromAttemptNumerics(event.numerics ?? {}),
  };
}

function fromAttemptNumerics(numerics: AttemptNumerics): RoleNumerics[] {
  return ROLES.flatMap((role) => {
    const own = numerics[role];
    return own ? [{ role: fromRole(role), numerics: fromNumerics(own) }] : [];
  });
}

function fromStage({ name, learners, frozen, decisive }: StageNames): StageMessage {
  return { name, learners: [...learners], frozen: [...frozen], decisive };
}

/** The message of a trio, or of a place in the queue. */
export function fromPlacement({ placement, waiting }: Pick<PhaseChanged, 'placement' | 'waiting'>): RunPlacement {
  const { priority, number, since, trio } = placement;
  return {
    ...{ priority, number },
    ...fromNames(placement),
    trio: trio ?? '',
    queueTime: toDate(since),
    waiting: waiting && { position: waiting.position, length: waiting.length },
  };
}

function fromNames({ class: kind = '', queue = '' }: Pick<PlacementRequest, 'class' | 'queue'>) {
  return { class: kind, queue };
}

export function fromOwner(owner: Owner | undefined): RunOwner | undefined {
  return owner && { subject: owner.subject, team: owner.team ?? '' };
}

export function toDate(time: string | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time);
}

function fromAnchor({ stage, scores }: NonNullable<PhaseChanged['anchor']>): RunAnchor {
  return {
    stage,
    validation: scores && fromScore(scores.validation),
    test: scores && fromScore(scores.test),
  };
}

function fromCondition({ type, holds, reason, message, since }: Condition): RunCondition {
  const known = holds === true ? ConditionStatus.CONDITION_STATUS_TRUE : ConditionStatus.CONDITION_STATUS_FALSE;
  const status = holds === 'unknown' ? ConditionStatus.CONDITION_STATUS_UNKNOWN : known;
  return { type, status, reason, message, lastTransitionTime: toDate(since) };
}

/** Without the values of each role. */
export function fromRunProgress(progress: RunProgress): ProgressMessage {
  const { stepsDone, stepsTotal, percent, stepsPerSecond, secondsRemaining } = progress;
  return { stepsDone, stepsTotal, percent, stepsPerSecond, secondsRemaining, roles: [], evaluations: [] };
}

export function fromStall({ by, on, reason }: Stall): RunStall {
  return { by, on, reason };
}

export function fromRoleProgressed({ participant, stage, totalSteps, progress }: RoleProgressed): RoleProgress {
  return { participant, stage, totalSteps, progress: fromProgress(progress) };
}

export function fromRoleEvaluated({ participant, stage, step, validation }: RoleEvaluated): RoleEvaluation {
  return { participant, stage, evaluation: { step, validation: fromScore(validation) } };
}

const MOVES: Readonly<Record<AnchorMove['by'], AnchorMoveKind>> = {
  rule: AnchorMoveKind.ANCHOR_MOVE_KIND_RULE,
  override: AnchorMoveKind.ANCHOR_MOVE_KIND_OVERRIDE,
  rollback: AnchorMoveKind.ANCHOR_MOVE_KIND_ROLLBACK,
};

export function fromMove({ by, to, during, at }: AnchorMoved['move']): MoveMessage {
  return { kind: MOVES[by], stage: to, during, time: toDate(at) };
}

/** @param stageName as in the spec */
export function fromResult(result: StageResult, stageName: string): ResultMessage {
  return {
    stage: result.stage,
    stageName,
    promoted: result.promoted,
    steps: result.steps,
    learners: Object.entries(result.learners).map(([participant, { best, stateSha256 }]) => ({
      participant,
      best: fromBestParams(best),
      stateSha256,
    })),
    frozen: fromFrozenScores(result.frozen ?? {}),
    candidate: result.candidate ?? '',
  };
}
