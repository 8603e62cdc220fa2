import type { RunState } from './state.js';

/** What can be asked of a run. */
export type Verb = Steering['kind'] | 'deleted';
type Phase = RunState['phase'];

const VERBS: Readonly<Record<Phase, readonly Verb[]>> = {
  queued: ['paused', 'cancelled', 'promoted', 'rolled-back'],
  preparing: ['paused', 'cancelled', 'promoted', 'rolled-back'],
  training: ['paused', 'cancelled', 'promoted', 'rolled-back'],
  promoting: ['paused', 'cancelled', 'promoted', 'rolled-back'],
  waiting: ['triggered', 'cancelled', 'promoted', 'rolled-back'],
  paused: ['resumed', 'cancelled', 'promoted', 'rolled-back'],
  completed: ['deleted', 'promoted', 'rolled-back'],
  failed: ['resumed', 'deleted', 'promoted', 'rolled-back'],
  cancelled: ['deleted', 'promoted', 'rolled-back'],
};

export function isPhase(name: string): name is Phase {
  return Object.hasOwn(VERBS, name);
}

/**
 * What can be asked of a run in a phase. Which generations can be promoted or rolled back to, only the state says.
 * It imports types alone, so that a page in a browser offers what the orchestrator accepts.
 * @param failureKind of a run that failed
 */
export function verbsOf(phase: Phase, failureKind?: string): readonly Verb[] {
  const verbs = VERBS[phase];
  return phase === 'failed' && failsAgain(failureKind) ? verbs.filter((verb) => verb !== 'resumed') : verbs;
}

/** Whether a run that failed like this fails again when it is resumed: one that diverged does, bit for bit. */
export function failsAgain(failureKind: string | undefined): boolean {
  return failureKind === 'diverged';
}

/** A request to steer a run. `at` is the time, which the run remembers with a move of its anchor. */
export type Steering =
  /** Begin the stage that waits. */
  | { readonly kind: 'triggered' }
  /** Stop at a committed pair until the run is resumed. */
  | { readonly kind: 'paused' }
  /** Continue. */
  | { readonly kind: 'resumed' }
  /** End the run for good. */
  | { readonly kind: 'cancelled' }
  /** Make the student of an ended generation the anchor, against the rule. */
  | { readonly kind: 'promoted'; readonly to: number; readonly at?: string }
  /** Make the student of an earlier, promoted generation the anchor again. */
  | { readonly kind: 'rolled-back'; readonly to: number; readonly at?: string };
