import { Client, type ClientReadableStream, connectivityState } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Dial, Subscription } from '@trikd/core/exchange/subscribe';
import { fromSubscription } from '@trikd/protocol/convert';
import { ExchangeDefinition } from '@trikd/protocol/frame-codec';
import { fromStatus, isDisconnect, isForeign, isServiceError, retryAfterMs } from '@trikd/protocol/status';
import { serviceOf } from '../access/caller.js';
import { LOOPBACK_ONLY, type Security } from '../access/security.js';
import { createClient, exchangeChannel } from './channel.js';

/** Connects to producers over gRPC. */
export function dialWith(security: Security): Dial {
  return (producer, address, agreement, format) => {
    const peer = { role: serviceOf(producer), security };
    const client = createClient(Client, address, exchangeChannel(agreement, format), peer);
    return {
      stream: (request, signal) => framesOf(streamFrom(client, request), signal, `the ${producer} at ${address}`),
      connected: () => client.getChannel().getConnectivityState(false) === connectivityState.READY,
      close: () => client.close(),
    };
  };
}

/** Connects to producers within this machine, in plain text. */
export const dialProducer: Dial = dialWith(LOOPBACK_ONLY);

function streamFrom(client: Client, request: Subscription): ClientReadableStream<LogitsFrame> {
  const { path, requestSerialize, responseDeserialize } = ExchangeDefinition.streamLogits;
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, fromSubscription(request));
}

/** The frames of a call, which is cancelled when `signal` aborts or the caller stops iterating. */
async function* framesOf(
  call: ClientReadableStream<LogitsFrame>,
  signal: AbortSignal,
  what: string,
): AsyncGenerator<LogitsFrame, void> {
  const cancel = () => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  // The iterator throws errors while it is read; a later one, such as that of our own cancel, would be unhandled.
  call.on('error', () => undefined);
  if (signal.aborted) cancel();
  try {
    yield* call;
  } catch (error) {
    // A producer that refuses a stream for its rate is dialled again, as one that is away.
    const isBusy = isServiceError(error) && retryAfterMs(error) !== undefined;
    if (isBusy || isDisconnect(error) || isForeign(error)) {
      throw new TrikdError('unavailable', error.details, {}, { cause: error });
    }
    throw fromStatus(error, what);
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}
