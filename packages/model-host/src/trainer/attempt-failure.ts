import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';

/** The event for an error that ended an attempt. */
export function failureEvent(error: unknown): TrainerEvent {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'failure', failure: { kind: error instanceof TrikdError ? error.kind : 'internal', message } };
}

/**
 * The error with which the streams of a failed attempt end. Consumers reconnect after 'unavailable', and this attempt does not come
 * back: they receive 'out-of-step', as for every attempt that is no longer served.
 */
export function errorForConsumers(error: unknown, role: TrainedRole): TrikdError {
  if (error instanceof TrikdError && error.kind !== 'unavailable') return error;
  const why = error instanceof TrikdError ? error.message : 'internal error';
  return new TrikdError('out-of-step', `the ${role} gave up: ${why}`, {}, { cause: error });
}
