import { TrikdError } from '@trikd/core/domain/errors';
import { messageOf } from '@trikd/core/domain/message-of';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';

/** The event for an error that ended an attempt. */
export function failureEvent(error: unknown): TrainerEvent {
  const message = messageOf(error);
  return { kind: 'failure', failure: { kind: error instanceof TrikdError ? error.kind : 'internal', message } };
}

/**
 * The error with which the streams of a failed attempt end. The attempt does not come back, so consumers must not reconnect, as after
 * 'unavailable'. They are not told what it failed of: the trainer reports that to its orchestrator, and a message may quote digests.
 */
export function errorForConsumers(error: unknown, role: TrainedRole): TrikdError {
  return new TrikdError('out-of-step', `the ${role} gave up`, {}, { cause: error });
}
