import { TrikdError } from '@trikd/core/domain/errors';
import type { Role } from '@trikd/core/domain/role';
import { assertAgreement, differences } from '@trikd/core/exchange/agreement';
import type { Agreement } from '@trikd/core/exchange/frame';
import type { Logger } from '@trikd/process/logging';

/**
 * Rejects a consumer that disagrees, and logs both sides: its error names the fields alone. Only consumers of the attempt get here.
 * @throws TrikdError 'wrong-state'
 */
export function assertConsumer(
  mine: Agreement,
  theirs: Agreement,
  { consumer, log }: { readonly consumer: Role; readonly log: Logger },
): void {
  if (differences(mine, theirs).length > 0) log.warn({ consumer, mine, theirs }, 'a consumer disagrees');
  assertAgreement(mine, theirs, consumer);
}

/** @throws TrikdError 'not-found' for a participant that is not served here */
export function assertProducer(producer: string, served: readonly string[]): void {
  if (served.includes(producer)) return;
  throw new TrikdError('not-found', `participant ${producer.slice(0, 31)} is not served here`);
}
