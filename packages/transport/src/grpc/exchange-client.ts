import { Client, type ClientReadableStream, connectivityState } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Dial, Subscription } from '@trikd/core/exchange/subscribe';
import { fromSubscription } from '@trikd/protocol/convert';
import { ExchangeDefinition } from '@trikd/protocol/frame-codec';
import { fromStatus, isDisconnect } from '@trikd/protocol/status';
import { exchangeChannel } from './channel-options.js';
import { createClient } from './create-client.js';

/** The way to a producer over gRPC. */
export const dialProducer: Dial = (producer, address, agreement) => {
  const client = createClient(Client, address, exchangeChannel(agreement));
  return {
    stream: (asked, signal) => framesOf(streamFrom(client, asked), signal, `the ${producer} at ${address}`),
    connected: () => client.getChannel().getConnectivityState(false) === connectivityState.READY,
    close: () => client.close(),
  };
};

function streamFrom(client: Client, asked: Subscription): ClientReadableStream<LogitsFrame> {
  const { path, requestSerialize, responseDeserialize } = ExchangeDefinition.streamLogits;
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, fromSubscription(asked));
}

/** What a call brings, until `signal` aborts or the caller turns away: then the call is cancelled. */
async function* framesOf(
  call: ClientReadableStream<LogitsFrame>,
  signal: AbortSignal,
  what: string,
): AsyncGenerator<LogitsFrame, void> {
  const cancel = () => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  // The iterator reports errors while it is asked; one that comes later, such as that of our own cancel, has no other listener.
  call.on('error', () => undefined);
  if (signal.aborted) cancel();
  try {
    yield* call;
  } catch (error) {
    if (isDisconnect(error)) throw new TrikdError('unavailable', error.details, {}, { cause: error });
    throw fromStatus(error, what);
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}
