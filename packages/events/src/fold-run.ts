import { isHalted, progressAt } from '@trikd/core/run/pace';
import type {
  RoleEvaluation,
  RoleProgress,
  RunProgress,
  StallsChanged,
} from '@trikd/protocol/gen/browser/trikd/v1/run';
import { AnchorMoveKind, type PhaseChanged, Run, RunPhase } from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { RunEvent } from './event.js';

/** A run of which nothing is known. */
export const unknownRun: Run = Run.fromJSON({});

/**
 * A run after one more event: a snapshot with the events since applied is the same as a later snapshot, but for the time of its last
 * write, of which not every event says anything. An event that the run has already changes nothing; of a phase that is older than the
 * run, what it says of stalls counts, since those have no time.
 */
export function foldRun(run: Run, event: RunEvent): Run {
  switch (event.$case) {
    case 'phaseChanged':
      return withPhase(run, event.value);
    case 'stageEnded': {
      const { result } = event.value;
      if (!result || run.stages.some(({ stage }) => stage === result.stage)) return run;
      const stages = [...run.stages, result].sort((a, b) => a.stage - b.stage);
      return { ...run, stages };
    }
    case 'anchorMoved':
      return withMove(run, event.value.move);
    case 'stallsChanged':
      return withStalls(run, event.value);
    case 'progress':
      return inPresent(run, event.value, (progress) => ({ ...progress, roles: replaced(progress.roles, event.value) }));
    case 'evaluation':
      return inPresent(run, event.value, (progress) => ({
        ...progress,
        evaluations: replaced(progress.evaluations, event.value),
      }));
    case 'committed':
      return inPresent(run, event.value, (progress) => progress, event.value.step);
    case 'run':
    case 'alarm':
    case 'trioIncident':
    case 'drained':
    case 'stepTimes':
    case 'slowStep':
    case 'missing':
      return run;
  }
}

/** Whether the anchor was moved this way already. */
export function hasMove({ anchorMoves }: Run, move: Run['anchorMoves'][number]): boolean {
  return anchorMoves.some(
    ({ kind, stage, during, time }) =>
      kind === move.kind && stage === move.stage && during === move.during && time === move.time,
  );
}

function withMove(run: Run, move: Run['anchorMoves'][number] | undefined): Run {
  if (!move || hasMove(run, move)) return run;
  const rollback = move.kind === AnchorMoveKind.ANCHOR_MOVE_KIND_ROLLBACK;
  return { ...run, anchorMoves: [...run.anchorMoves, move], rollbacks: run.rollbacks + (rollback ? 1 : 0) };
}

function withStalls(run: Run, { stalls, conditions }: Pick<StallsChanged, 'stalls' | 'conditions'>): Run {
  const changed = (type: string) => conditions.find((each) => each.type === type);
  const now = { ...run, stalls, conditions: run.conditions.map((each) => changed(each.type) ?? each) };
  return now.progress ? { ...now, progress: advanced(now, now.progress) } : now;
}

function withPhase(run: Run, change: PhaseChanged): Run {
  const stalled = change.conditions.filter(({ type }) => type === 'Stalled');
  const waits = stalled.some(({ status }) => status === 'CONDITION_STATUS_TRUE');
  const now = withStalls(run, { stalls: waits ? run.stalls : [], conditions: stalled });
  if (isOlder(change.updateTime, run.updateTime)) return now;
  const { phase, stage, currentStage, attempt, failure, failureKind, bestStage, anchor } = change;
  const { updateTime, endTime, placement } = change;
  const same = stage === run.stage && attempt === run.attempt && DRIVEN.includes(phase);
  return {
    ...now,
    ...{ phase, stage, currentStage, attempt, failure, failureKind, bestStage, anchor },
    ...{ updateTime, endTime, placement },
    conditions: change.conditions,
    progress: change.progress && {
      ...change.progress,
      // The values of each learner are those of its attempt.
      roles: same ? (run.progress?.roles ?? []) : [],
      evaluations: same ? (run.progress?.evaluations ?? []) : [],
    },
  };
}

/** Whether a time is before another; times that are not known are not. */
export function isOlder(time: string | undefined, than: string | undefined): boolean {
  return time !== undefined && than !== undefined && time < than;
}

const DRIVEN: readonly RunPhase[] = [
  RunPhase.RUN_PHASE_PREPARING,
  RunPhase.RUN_PHASE_TRAINING,
  RunPhase.RUN_PHASE_PROMOTING,
];

/** The run with other values of its learners, if they are those of its present stage. @param kept steps that are stored */
function inPresent(
  run: Run,
  { stage }: { readonly stage: number },
  change: (progress: RunProgress) => RunProgress,
  kept = 0,
): Run {
  if (!run.progress || run.stage !== stage || !DRIVEN.includes(run.phase)) return run;
  return { ...run, progress: advanced(run, change(run.progress), kept) };
}

/** Progress by the values of the learners. A stage is as far and as fast as the slowest of them; it has no rate while it is halted. */
function advanced(run: Run, progress: RunProgress, kept = 0): RunProgress {
  const { evaluations, stepsDone, stepsTotal } = progress;
  const roles = isHalted(run.stalls) ? progress.roles.map(withoutRate) : progress.roles;
  const reported = roles.flatMap((role) => role.progress ?? []);
  const trains = reported.length === run.currentStage?.learners.length && run.phase === RunPhase.RUN_PHASE_TRAINING;
  const trained = trains ? Math.min(...reported.map(({ nextStep }) => nextStep)) : 0;
  const ended = run.stages.reduce((sum, { steps }) => sum + steps, 0);
  // Within an attempt the steps only grow.
  const most = Math.max(stepsDone, kept > 0 || trained > 0 ? ended + Math.max(trained, kept) : 0);
  const stepsPerSecond = trains ? Math.min(...reported.map((each) => each.stepsPerSecond)) : 0;
  return { ...progressAt({ stepsDone: most, stepsTotal, stepsPerSecond }), roles, evaluations };
}

function withoutRate(role: RoleProgress): RoleProgress {
  return { ...role, progress: role.progress && { ...role.progress, stepsPerSecond: 0 } };
}

function replaced<Value extends RoleProgress | RoleEvaluation>(values: readonly Value[], value: Value): Value[] {
  const at = values.findIndex(({ participant }) => participant === value.participant);
  return at < 0 ? [...values, value] : values.with(at, value);
}
