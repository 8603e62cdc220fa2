import { TrikdError } from '@trikd/core/domain/errors';
import { type Preparing, resumePair, type Training } from '@trikd/core/run/state';

/**
 * Rethrows what reading a checkpoint failed of. When the pair that the attempt resumed from is damaged, the details name its step as
 * `pair`: the run then resumes from the pair before.
 */
export function blamePair(todo: Preparing | Training): (failure: unknown) => never {
  return (failure) => {
    const pair = resumePair(todo)?.step;
    if (pair === undefined || !(failure instanceof TrikdError) || failure.kind !== 'corrupt') throw failure;
    throw new TrikdError('corrupt', failure.message, { ...failure.details, pair }, { cause: failure });
  };
}
