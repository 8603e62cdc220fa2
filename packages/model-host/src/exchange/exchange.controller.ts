import type { ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import { toSubscription } from '@trikd/protocol/convert';
import type { StreamLogitsRequest } from '@trikd/protocol/gen/node/trikd/v1/exchange';
import { serveStream } from '@trikd/transport/grpc/serve-stream';
import { EMPTY, type Observable } from 'rxjs';
import { EXCHANGE, SHUTDOWN } from '../tokens.js';

/** Whoever has frames to hand out. */
export interface ExchangeSource {
  /**
   * The frames asked for, in step order, until `signal` aborts.
   * @throws TrikdError 'wrong-state' for another run, generation or agreement, 'out-of-step' for another attempt or a step that is
   * no longer there.
   */
  frames(asked: Subscription, signal: AbortSignal): AsyncIterable<LogitsFrame>;
}

/** Translates ExchangeService messages; the same for anchor, teacher and student. */
@Controller()
export class ExchangeController {
  constructor(
    @Inject(EXCHANGE) private readonly source: ExchangeSource,
    @Inject(SHUTDOWN) private readonly shutdown: AbortSignal,
  ) {}

  @GrpcMethod('ExchangeService', 'streamLogits')
  async streamLogits(
    request: StreamLogitsRequest,
    _metadata: unknown,
    call: ServerWritableStream<StreamLogitsRequest, LogitsFrame>,
  ): Promise<Observable<never>> {
    const open = (signal: AbortSignal) => this.source.frames(toSubscription(request), signal);
    await serveStream(call, this.shutdown, open, (frame) => frame);
    return EMPTY;
  }
}
