import type { FailureKind } from '../domain/errors.js';
import { TrikdError } from '../domain/errors.js';
import type { Failed, Preparing, RunState } from './state.js';

/** The next start of the same generation, from its last committed pair. */
export function restarted(state: Exclude<RunState, { phase: 'completed' }>): Preparing {
  const { generation, attempt, results, moves, pairs, losses, anchor, facts } = state;
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
  };
}

/** The next start of a generation that failed. @throws TrikdError `wrong-state` when it would fail again */
export function revived(state: Failed): Preparing {
  if (canContinue(state.kind)) return { ...restarted(state), losses: 0 };
  throw new TrikdError(
    'wrong-state',
    `the run failed in generation ${state.generation} and would fail again: ${state.reason}; ` +
      'change its spec (a lower learningRate, longer warmupSteps, a smaller clipNorm) and start it anew',
  );
}

/** A run that diverged would diverge again, bit for bit. Every other cause can have gone away. */
function canContinue(kind: FailureKind): boolean {
  return kind !== 'diverged';
}
