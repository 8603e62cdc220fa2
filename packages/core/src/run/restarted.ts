import { TrikdError } from '../domain/errors.js';
import type { Failed, Preparing, Queued, RunState } from './state.js';
import { failsAgain } from './verbs.js';

/** The next attempt at the same generation, from its last committed pair. */
export function restarted(state: Exclude<RunState, { phase: 'completed' }>): Preparing {
  const { generation, attempt, results, moves, pairs, losses, anchor, facts, imported } = state;
  return {
    phase: 'preparing',
    generation,
    attempt: attempt + 1,
    results,
    moves,
    pairs,
    losses,
    ...(anchor && { anchor }),
    ...(facts && { facts }),
    ...(imported && { imported }),
  };
}

/** What a run that leaves its trio keeps of a candidate that is not judged yet. */
export function unjudged(state: RunState): Pick<Queued, 'outcome' | 'frozen'> {
  const { outcome, frozen } = 'outcome' in state ? state : {};
  return outcome ? { outcome, ...(frozen && { frozen }) } : {};
}

/** A failed run that waits for a trio, for the next attempt. @throws TrikdError `wrong-state` when it would fail again */
export function revived(state: Failed): Queued {
  if (!failsAgain(state.kind)) return { ...restarted(state), phase: 'queued', losses: 0 };
  throw new TrikdError(
    'wrong-state',
    `the run failed in generation ${state.generation} and would fail again: ${state.reason}; ` +
      'change its spec (lower learningRate, more warmupSteps, smaller clipNorm) and start a new run',
  );
}
