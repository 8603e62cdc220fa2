import { TrikdError } from '@trikd/core/domain/errors';
import { ParticipantName } from '@trikd/core/spec/participant-name';

/** @throws TrikdError 'invalid' for what cannot be the name of a participant */
export function toParticipant(name: string): string {
  if (ParticipantName.safeParse(name).success) return name;
  throw new TrikdError('invalid', 'a participant has a name of lower-case letters, digits and dashes');
}
