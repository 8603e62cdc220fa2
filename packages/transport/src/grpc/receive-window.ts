import type { ServerHttp2Session } from 'node:http2';
import { type ServerDuplexStream, ServerInterceptingCall } from '@grpc/grpc-js';

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
