import { TrikdError } from '@trikd/core/domain/errors';
import type { Displacement } from '@trikd/core/run/state';

/** The reason of a signal that tells the drive of a run to leave its trio. */
export function displacement({ why, message }: Displacement): TrikdError {
  return new TrikdError('unavailable', message, { displaced: why });
}

/** Why a run leaves its trio, from the reason of such a signal; undefined when the run is to rest for another reason. */
export function displacementIn(reason: unknown): Displacement | undefined {
  if (!(reason instanceof TrikdError)) return undefined;
  const { displaced: why } = reason.details;
  if (why !== 'trio-draining' && why !== 'trio-away' && why !== 'preempted') return undefined;
  return { why, message: reason.message };
}

/** Whether a failure of an attempt is that something did not answer. */
export function isUnavailable(failure: unknown): failure is TrikdError {
  return failure instanceof TrikdError && failure.kind === 'unavailable';
}

/** Whether a failure of an attempt may come from the trio that its run is leaving. */
export function isOfTheTrio(failure: unknown): boolean {
  return failure instanceof TrikdError && ['unavailable', 'out-of-step', 'wrong-state'].includes(failure.kind);
}
