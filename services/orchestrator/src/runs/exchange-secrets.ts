import { createHmac, randomBytes } from 'node:crypto';
import type { GenerationAttempt } from '@trikd/core/domain/position';

/** The secret of each attempt, by which its models recognise each other: 64 hex digits. */
export type ExchangeSecrets = (attempt: GenerationAttempt) => string;

/**
 * Secrets that live as long as one drive of a run and are stored nowhere: whoever drives the run next starts another attempt. The same
 * attempt always gets the same secret, so that it can be assigned again.
 */
export function exchangeSecrets(): ExchangeSecrets {
  const key = randomBytes(32);
  return ({ runId, generation, attempt }) =>
    createHmac('sha256', key).update(`${runId} ${generation} ${attempt}`).digest('hex');
}
