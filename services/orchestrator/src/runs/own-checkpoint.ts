import { isRunBlob } from '@trikd/core/checkpoint/blobs';
import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';

/**
 * Rejects the report of a checkpoint whose blobs are not of the run: a manifest would name what the run does not own, and its next
 * attempt, or its promotion, would read it.
 * @throws TrikdError 'out-of-step': another attempt may be of a trainer in order
 */
export function assertOwnCheckpoint(event: TrainerEvent, runId: string, role: TrainedRole): void {
  if (event.kind !== 'checkpoint') return;
  const { state, best } = event.checkpoint;
  const blobs = best ? [state, best.params] : [state];
  if (blobs.every((blob) => isRunBlob(blob, runId))) return;
  throw new TrikdError('out-of-step', `the ${role} reported a checkpoint with a blob that is not of run ${runId}`);
}
