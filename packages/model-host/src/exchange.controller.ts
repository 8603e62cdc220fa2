import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Role } from '@trikd/core/domain/position';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { toSubscription } from '@trikd/protocol/convert';
import type { StreamLogitsRequest } from '@trikd/protocol/gen/node/trikd/v1/exchange';
import { type Caller, callerOf, serviceOf } from '@trikd/transport/access/caller';
import { serveStream } from '@trikd/transport/grpc/serve-stream';
import { EMPTY, type Observable } from 'rxjs';
import type { ExchangeSource } from './exchange-source.js';
import { EXCHANGE, SHUTDOWN } from './tokens.js';

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
