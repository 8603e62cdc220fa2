import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Role } from '@trikd/core/domain/position';
import { assertAgreement, differences } from '@trikd/core/exchange/agreement';
import type { Agreement, LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import type { Logger } from '@trikd/process/logging';
import { toSubscription } from '@trikd/protocol/convert';
import type { StreamLogitsRequest } from '@trikd/protocol/gen/node/trikd/v1/exchange';
import { type Caller, callerOf, serviceOf } from '@trikd/transport/access/caller';
import { serveStream } from '@trikd/transport/grpc/serve-stream';
import { EMPTY, type Observable } from 'rxjs';
import { EXCHANGE, SHUTDOWN } from './tokens.js';

/** A producer of frames. */
export interface ExchangeSource {
  /**
   * The requested frames in step order, until `signal` aborts.
   * @throws TrikdError 'out-of-step' for another attempt or a step that has left the window, 'forbidden' without the
   * secret of the attempt, 'wrong-state' for another agreement
   */
  frames(request: Subscription, signal: AbortSignal): AsyncIterable<LogitsFrame>;
}

/** Translates between ExchangeService messages and a producer: anchor, teacher or student. */
@Controller()
export class ExchangeController {
  constructor(
    @Inject(EXCHANGE) private readonly source: ExchangeSource,
    @Inject(SHUTDOWN) private readonly shutdown: AbortSignal,
  ) {}

  @GrpcMethod('ExchangeService', 'streamLogits')
  async streamLogits(
    request: StreamLogitsRequest,
    metadata: Metadata,
    call: ServerWritableStream<StreamLogitsRequest, LogitsFrame>,
  ): Promise<Observable<never>> {
    const subscription = toSubscription(request);
    assertOwnRole(callerOf(metadata), subscription.consumer);
    const open = (signal: AbortSignal) => this.source.frames(subscription, signal);
    await serveStream(call, this.shutdown, open, (frame) => frame);
    return EMPTY;
  }
}

/** A certificate proves the role of a service. Whether it belongs to the attempt, the secret proves. */
function assertOwnRole(caller: Caller, consumer: Role): void {
  if (caller.kind === 'anonymous' || (caller.kind === 'service' && caller.role === serviceOf(consumer))) return;
  throw new TrikdError('forbidden', `only the ${serviceOf(consumer)} may receive frames as the ${consumer}`);
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
