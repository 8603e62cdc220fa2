import { restarted, unjudged } from './restarted.js';
import { shortened } from './shortened.js';
import {
  type Displacement,
  LONGEST_REASON,
  type Preparing,
  type Promoting,
  type Queued,
  type Training,
} from './state.js';

/** A candidate that waits to be judged is judged; otherwise the generation begins or goes on. */
export function placed({ displaced: _, outcome, frozen, ...state }: Queued): Preparing | Promoting {
  if (!outcome || !state.facts) return { ...state, phase: 'preparing' };
  return { ...state, phase: 'promoting', facts: state.facts, outcome, ...(frozen && { frozen }) };
}

/** The next attempt fences out the processes of the lost trio. It is no loss of the run's. */
export function displaced(state: Preparing | Training | Promoting, by: Displacement | undefined): Queued {
  return {
    ...restarted(state),
    phase: 'queued',
    ...(state.phase === 'promoting' && { attempt: state.attempt }),
    ...unjudged(state),
    ...(by && { displaced: { why: by.why, message: shortened(by.message, LONGEST_REASON) } }),
  };
}
