import { stagesOf } from '../stages/stages-of.js';
import { duty } from './advance.js';
import { currentStage } from './current-stage.js';
import { progressAt } from './pace.js';
import type { RoleEvaluated, RoleProgressed, RunProgress } from './run-event.js';
import type { RunView } from './run-view.js';
import { resumePair } from './state.js';

/** How far a run is in its curriculum, and the newest of each role in its current attempt. */
export interface ProgressOfRoles extends RunProgress {
  readonly roles: readonly RoleProgressed[];
  readonly evaluations: readonly RoleEvaluated[];
}

/**
 * How far a run is, from what is stored and, while it trains, from what its trainers report. A run that has completed is at 100
 * percent, however few generations it took.
 */
export function progressOf({ spec, state, ...view }: RunView): ProgressOfRoles {
  const live = duty(state) && view.live;
  const ended = state.results.reduce((sum, { steps }) => sum + steps, 0);
  const roles = Object.values(live?.progress ?? {});
  const trains = state.phase === 'training' && roles.length === currentStage(spec, state).learners.length;
  // What was trained after the last pair is lost when an attempt ends: it counts only while the attempt lasts.
  const trained = trains ? Math.min(...roles.map(({ progress }) => progress.nextStep)) : 0;
  const stepsPerEpoch = state.facts?.stepsPerEpoch ?? 0;
  const ahead = stagesOf(spec)
    .slice(state.results.length)
    .reduce((sum, { epochs }) => sum + epochs * stepsPerEpoch, 0);
  return {
    ...progressAt({
      stepsDone: ended + Math.max(trained, stepsKept(state)),
      stepsTotal: state.phase === 'completed' ? ended : ended + ahead,
      stepsPerSecond: trains ? Math.min(...roles.map(({ progress }) => progress.stepsPerSecond)) : 0,
    }),
    roles,
    evaluations: Object.values(live?.evaluations ?? {}),
  };
}

/** Steps of the current generation that are stored. */
function stepsKept(state: RunView['state']): number {
  if ('outcome' in state && state.outcome) return state.outcome.steps;
  return 'pairs' in state ? (resumePair(state)?.step ?? 0) : 0;
}
