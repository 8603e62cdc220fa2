import { createHmac } from 'node:crypto';
import type { GenerationAttempt } from '@trikd/core/domain/position';

/** The secret of each attempt, by which its models recognise each other: 64 hex digits. */
export type ExchangeSecrets = (attempt: GenerationAttempt) => string;

/**
 * The secrets of one drive of a run. They are stored nowhere: whoever drives the run next starts another attempt. The same attempt always
 * gets the same secret, so that it can be assigned again.
 * @param key random, of this drive alone
 */
export function exchangeSecrets(key: Uint8Array): ExchangeSecrets {
  return ({ runId, generation, attempt }) =>
    createHmac('sha256', key).update(`${runId} ${generation} ${attempt}`).digest('hex');
}
