import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { toStatus } from '@trikd/protocol/status';

/**
 * Sends a bearer token with every call. The token is determined for each call, so that one that expires can be replaced; a failure to do so
 * is the status of the call.
 */
export function sendToken(token: () => Promise<string | undefined>): Interceptor {
  return (options, nextCall) => {
    let cancelled = false;
    const call = nextCall(options);
    return new InterceptingCall(call, {
      start: (metadata, listener, next) => {
        token().then(
          (text) => {
            if (cancelled) return;
            if (text !== undefined) metadata.set('authorization', `Bearer ${text}`);
            next(metadata, listener);
          },
          (error: unknown) => {
            listener.onReceiveStatus(toStatus(error));
          },
        );
      },
      cancel: (next) => {
        cancelled = true;
        next();
      },
    });
  };
}
