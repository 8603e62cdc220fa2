import { createHash, timingSafeEqual } from 'node:crypto';
import { TrikdError } from '../domain/errors.js';
import { isSameAttempt, nameOf, type StageAttempt } from '../domain/position.js';
import type { Agreement } from './frame.js';

const NAMES: Readonly<Record<keyof Agreement, string>> = {
  specDigest: 'spec digest',
  datasetDigest: 'dataset digest',
  classes: 'classes',
  batchSize: 'batch size',
  seed: 'seed',
};

const FIELDS = [
  'datasetDigest',
  'classes',
  'batchSize',
  'seed',
  'specDigest',
] as const satisfies readonly (keyof Agreement)[];

/** The names of the fields that differ; none if the two agree. */
export function differences(mine: Agreement, theirs: Agreement): readonly string[] {
  return FIELDS.filter((field) => mine[field] !== theirs[field]).map((field) => NAMES[field]);
}

/**
 * Rejects a consumer whose logits would mean something else. The message names the fields and not the values: a caller that does not have
 * them must not learn them here.
 * @param who names the consumer in the message
 * @throws TrikdError 'wrong-state' with every difference
 */
export function assertAgreement(mine: Agreement, theirs: Agreement, who: string): void {
  const found = differences(mine, theirs);
  if (found.length > 0) {
    throw new TrikdError('wrong-state', `the ${who} has another ${found.join(', ')}`, { mine, theirs });
  }
}

/**
 * Rejects a consumer that does not belong to the attempt. Position and agreement can be guessed, this cannot.
 * @param who names the consumer in the message
 * @throws TrikdError 'forbidden'
 */
export function assertSecret(mine: string, theirs: string, who: string): void {
  // Of equal length, as the comparison in constant time demands.
  const [expected, shown] = [mine, theirs].map((secret) => createHash('sha256').update(secret).digest());
  if (timingSafeEqual(expected!, shown!)) return;
  throw new TrikdError('forbidden', `the ${who} does not have the secret of this attempt`);
}

/** Why a request for `asked` must be rejected; undefined if it is served. What is served instead is not the caller's business. */
export function notServed(serving: StageAttempt | undefined, asked: StageAttempt): TrikdError | undefined {
  if (serving && isSameAttempt(serving, asked)) return undefined;
  return new TrikdError('out-of-step', `${nameOf(asked)} is not served`, { asked });
}

/** @throws TrikdError as `notServed` returns it */
export function assertServing(serving: StageAttempt | undefined, asked: StageAttempt): void {
  const refusal = notServed(serving, asked);
  if (refusal) throw refusal;
}
