import { TrikdError } from '@trikd/core/domain/errors';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';
import { toTrainerEvent } from '@trikd/protocol/convert-trainer';
import { assertOwnCheckpoint } from './own-checkpoint.js';

/** The events of an attempt. @throws TrikdError that the trainer reported its failure with; Error for a failure of another kind */
export async function* decodedEvents(
  responses: AsyncIterable<Parameters<typeof toTrainerEvent>[0]>,
  { runId }: GenerationAttempt,
  role: TrainedRole,
): AsyncGenerator<TrainerEvent> {
  for await (const response of responses) {
    const event = toTrainerEvent(response);
    assertOwnCheckpoint(event, runId, role);
    if (event.kind !== 'failure') {
      yield event;
      continue;
    }
    const { kind, message } = event.failure;
    const sentence = message.startsWith(`the ${role} `) ? message : `the ${role}: ${message}`;
    throw kind === 'internal' ? new Error(sentence) : new TrikdError(kind, sentence);
  }
}
