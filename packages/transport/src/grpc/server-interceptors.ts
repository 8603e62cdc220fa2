import type { ServerInterceptor } from '@grpc/grpc-js';
import type { Logger } from '@trikd/process/logging';
import { type Identify, identifyBy } from '../access/identify.js';
import { guardCalls, type LoginFacts } from './guard-calls.js';
import { type Guards, limitCalls } from './limit-calls.js';
import { type CallListener, observeCalls } from './observe-calls.js';

export interface InterceptorOptions {
  readonly log: Logger;
  /** Notified of each call that has ended. */
  readonly onCall?: CallListener;
  /** Default: every caller is anonymous. */
  readonly identify?: Identify;
  /** Where people log in. */
  readonly login?: LoginFacts;
  /** Default: no limits. */
  readonly guards?: Guards;
}

/**
 * The interceptors of every server, the one nearest to the wire first. Every call passes through all of them, those of
 * health and reflection included; only a method that the server does not have is answered before them, with UNIMPLEMENTED.
 *
 * StreamLogits sends a message at every step of training: an interceptor acts at the start and at the end of a call, and
 * never on its messages.
 */
export function serverInterceptors({
  log,
  onCall,
  identify = identifyBy({}),
  login,
  guards,
}: InterceptorOptions): ServerInterceptor[] {
  return [
    observeCalls((call) => {
      log.debug(call, 'call ended');
      onCall?.(call);
    }),
    guardCalls(identify, log, login),
    ...(guards ? [limitCalls(guards)] : []),
  ];
}
