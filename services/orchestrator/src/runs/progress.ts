import { resumePair } from '@trikd/core/run/state';
import type { EvaluationNews, ProgressNews, RunView } from './ports.js';

/** How far a run is in its curriculum. */
export interface Progress {
  readonly stepsDone: number;
  /** At most; 0 before the length of a generation is known. */
  readonly stepsTotal: number;
  /** 0..100 */
  readonly percent: number;
  /** 0 while nothing is trained. */
  readonly stepsPerSecond: number;
  /** Absent while nothing is trained. */
  readonly secondsRemaining?: number;
  readonly roles: readonly ProgressNews[];
  readonly evaluations: readonly EvaluationNews[];
}

/**
 * How far a run is, from what is stored and, while it trains, from what its trainers report. A run that has completed is at 100
 * percent, however few generations it took.
 */
export function progressOf({ spec, state, ...view }: RunView): Progress {
  const ended = state.results.reduce((sum, { steps }) => sum + steps, 0);
  // The progress of a generation that has ended is in its result.
  const live = state.results.length > state.generation ? undefined : view.live;
  const roles = Object.values(live?.progress ?? {});
  const trains = state.phase === 'training' && roles.length === 2;
  // What was trained after the last pair is lost when an attempt ends: it counts only while the attempt lasts.
  const trained = trains ? Math.min(...roles.map(({ progress }) => progress.nextStep)) : 0;
  const stepsDone = ended + Math.max(trained, stepsKept(state));
  const ahead = Math.max(0, spec.curriculum.generations - state.results.length);
  const stepsTotal = state.phase === 'completed' ? ended : ended + ahead * (state.facts?.totalSteps ?? 0);
  const stepsPerSecond = trains ? Math.min(...roles.map(({ progress }) => progress.stepsPerSecond)) : 0;
  return {
    stepsDone,
    stepsTotal,
    percent: stepsTotal === 0 ? 0 : Math.min(100, (100 * stepsDone) / stepsTotal),
    stepsPerSecond,
    ...(stepsPerSecond > 0 && { secondsRemaining: (stepsTotal - stepsDone) / stepsPerSecond }),
    roles,
    evaluations: Object.values(live?.evaluations ?? {}),
  };
}

/** Steps of the current generation that are stored. */
function stepsKept(state: RunView['state']): number {
  if ('outcome' in state && state.outcome) return state.outcome.steps;
  return 'pairs' in state ? (resumePair(state)?.step ?? 0) : 0;
}
