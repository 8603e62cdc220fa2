import type { ChannelOptions } from '@grpc/grpc-js';
import type { Agreement } from '@trikd/core/exchange/frame';

const KEEPALIVE_MS = 20_000;
/** Room for the fields of a frame beside its data. */
const FRAME_OVERHEAD = 1024;
/** Frames that a producer may send before its consumer has read: so many that no step waits for a window update. */
const FRAMES_ON_THE_WAY = 4;
/** Bytes that HTTP/2 lets it send at least. */
const LEAST_FLOW_WINDOW = 65_535;
const CONTROL_MESSAGE_BYTES = 4 * 1024 * 1024;

const COMMON: ChannelOptions = {
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  // A service that was killed listens again after a few seconds; whoever calls it is to notice soon.
  'grpc.max_reconnect_backoff_ms': 500,
  // The services of a run are neighbours: a proxy for the outside world has no part in it.
  'grpc.enable_http_proxy': 0,
};

/**
 * A channel that receives logits. Only the receiving end of a connection may raise its window: with both raised, Node.js stops reading
 * while a write is pending and two such ends wait for each other for ever. So each direction has a connection of its own. The window is
 * a few frames, however large they are: a model that needs nobody's frames, the anchor, would fill any.
 */
export function exchangeChannel({ batchSize, classes }: Pick<Agreement, 'batchSize' | 'classes'>): ChannelOptions {
  const frameBytes = batchSize * classes * 4 + FRAME_OVERHEAD;
  return {
    ...COMMON,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': frameBytes,
    'grpc-node.flow_control_window': Math.max(LEAST_FLOW_WINDOW, FRAMES_ON_THE_WAY * frameBytes),
  };
}

/** A channel that steers a service. All of its methods may be called twice, so those that found nobody are called again. */
export function controlChannel(): ChannelOptions {
  return {
    ...COMMON,
    'grpc.max_receive_message_length': CONTROL_MESSAGE_BYTES,
    'grpc.service_config': JSON.stringify({
      methodConfig: [
        {
          name: [{}],
          retryPolicy: {
            maxAttempts: 5,
            initialBackoff: '0.1s',
            maxBackoff: '2s',
            backoffMultiplier: 2,
            retryableStatusCodes: ['UNAVAILABLE'],
          },
        },
      ],
    }),
  };
}
