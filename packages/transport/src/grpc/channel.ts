import type { ServerHttp2Session } from 'node:http2';
import {
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  type ServerDuplexStream,
  ServerInterceptingCall,
} from '@grpc/grpc-js';
import { type Agreement, type FrameFormat, logitsBytes } from '@trikd/core/exchange/frame';
import type { Role } from '../access/caller.js';
import { LOOPBACK_ONLY, type Security } from '../access/security.js';

const KEEPALIVE_MS = 20_000;
/** Bytes of a frame besides its logits, at most. */
const FRAME_OVERHEAD = 1024;
/** Frames that a producer may send before its consumer has read them: enough that no step waits for a window update. */
const FRAMES_IN_FLIGHT = 4;
/** The initial flow-control window of HTTP/2, in bytes. */
const INITIAL_WINDOW = 65_535;
/** A response that is larger than this waits for window updates. */
const LARGEST_WINDOW = 16 * 1024 * 1024;
const CONTROL_MESSAGE_BYTES = 4 * 1024 * 1024;

const COMMON: ChannelOptions = {
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  // A service that was killed is back after a few seconds; its clients should reconnect soon after.
  'grpc.max_reconnect_backoff_ms': 500,
  // Services talk to each other directly, not through a proxy for the internet.
  'grpc.enable_http_proxy': 0,
};

/**
 * Options of a channel that receives logits. Only the receiving end of a connection raises its flow-control window: Node.js
 * does not read while a write is pending, so two ends that both raise theirs can deadlock. Each direction therefore has
 * its own connection. The window is a few frames of any size: the anchor, which waits for no frames, would fill any
 * window.
 */
export function exchangeChannel(
  { batchSize, classes }: Pick<Agreement, 'batchSize' | 'classes'>,
  format: FrameFormat,
): ChannelOptions {
  const frameBytes = logitsBytes(format, batchSize, classes) + FRAME_OVERHEAD;
  return {
    ...COMMON,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': frameBytes,
    'grpc-node.flow_control_window': Math.max(INITIAL_WINDOW, FRAMES_IN_FLIGHT * frameBytes),
  };
}

/** Options of a channel to a replica. Its requests come in small pieces, so its server raises no window. @param numbers of a response, at most */
export function replicaChannel(numbers: number): ChannelOptions {
  const bytes = 4 * numbers + FRAME_OVERHEAD;
  return separate({
    ...COMMON,
    'grpc.max_receive_message_length': bytes,
    'grpc-node.flow_control_window': Math.min(LARGEST_WINDOW, Math.max(INITIAL_WINDOW, bytes)),
  });
}

/** The channel gets a connection of its own. Otherwise channels of the same options to the same server share one. */
export function separate(options: ChannelOptions): ChannelOptions {
  return { ...options, 'grpc.use_local_subchannel_pool': 1 };
}

/** Options of a channel for control calls. All methods are idempotent, so calls that fail as UNAVAILABLE are retried. */
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

/** A generated client, or grpc-js's own. */
export type ClientConstructor<C extends Client> = new (
  address: string,
  credentials: ChannelCredentials,
  options: ChannelOptions,
) => C;

/** The service that a client expects at an address, and how it connects to it. */
export interface Peer {
  readonly role: Role;
  readonly security: Security;
}

/**
 * Makes a client. Every call of the project goes through one that was made here, so interceptors of clients are added here.
 * The caller closes it.
 * @param address host:port or unix:path
 * @param peer default: any service, in plain text, within this machine
 * @throws TrikdError 'invalid' if the address may not be called in plain text
 */
export function createClient<C extends Client>(
  client: ClientConstructor<C>,
  address: string,
  options: ChannelOptions,
  peer?: Peer,
): C {
  const credentials = peer ? peer.security.client(address, peer.role) : LOOPBACK_ONLY.client(address);
  return new client(address, credentials, options);
}

/** Bytes of requests that a client may send ahead of the server on a connection with a raised window. */
export const RAISED_WINDOW = 4 * 1024 * 1024;

/**
 * Raises the flow-control window of the connection of a call from the 64 KiB of HTTP/2, so that large requests do not wait for a round trip
 * every 64 KiB. Only for calls whose ends never both send much at once: see `exchangeChannel`. Without effect for a call that
 * is over.
 */
export function raiseReceiveWindow(call: ServerDuplexStream<unknown, unknown>, bytes = RAISED_WINDOW): void {
  const session = sessionOf(call);
  if (!session || session.destroyed || session.closed) return;
  session.settings({ initialWindowSize: bytes });
  session.setLocalWindowSize(bytes);
}

/** grpc-js has the option for clients alone, and hands out the connection of no call: it is below all interceptors. */
function sessionOf(call: ServerDuplexStream<unknown, unknown>): ServerHttp2Session | undefined {
  let below: unknown = Reflect.get(call, 'call');
  while (below instanceof ServerInterceptingCall) below = Reflect.get(below, 'nextCall');
  const stream: unknown = below instanceof Object ? Reflect.get(below, 'stream') : undefined;
  const session: unknown = stream instanceof Object ? Reflect.get(stream, 'session') : undefined;
  const isSession = session instanceof Object && typeof Reflect.get(session, 'setLocalWindowSize') === 'function';
  return isSession ? (session as ServerHttp2Session) : undefined;
}
