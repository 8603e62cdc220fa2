import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Role } from '@trikd/core/domain/position';
import { assertAgreement, differences } from '@trikd/core/exchange/agreement';
import type { Agreement, LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import type { Logger } from '@trikd/process/logging';

/** A producer of frames. */
export interface ExchangeSource {
  /**
   * The requested frames in step order, until `signal` aborts.
   * @throws TrikdError 'out-of-step' for another attempt or a step that has left the window, 'forbidden' without the
   * secret of the attempt, 'wrong-state' for another agreement
   */
  frames(request: Subscription, signal: AbortSignal): AsyncIterable<LogitsFrame>;
}

/** What the producer and the consumer of a stream of logits compare before the first frame. */
export function agreementOf(spec: RunSpec, dataset: Dataset): Agreement {
  return {
    specDigest: specDigest(spec),
    datasetDigest: dataset.digest,
    classes: dataset.classes,
    batchSize: spec.batchSize,
    seed: spec.seed,
  };
}

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
