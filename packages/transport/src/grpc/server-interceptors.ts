import type { ServerInterceptor } from '@grpc/grpc-js';
import type { Logger } from '@trikd/process/logging';
import { type AuditLog, auditLog } from '../access/audit-log.js';
import { type Identify, identifyBy } from '../access/identify.js';
import type { LoginFacts } from '../access/oidc-config.js';
import { auditCalls } from './audit-calls.js';
import { guardCalls } from './guard-calls.js';
import { type Guards, limitCalls } from './limit-calls.js';
import { type CallListener, observeCalls } from './observe-calls.js';

export interface InterceptorOptions {
  readonly log: Logger;
  /** Notified of each call that has ended. */
  readonly onCall?: CallListener;
  /** Notified of each call that a limit refuses, and of each connection that it closes, with the name of the limit. */
  readonly onRefused?: (limit: string) => void;
  /** Default: every caller is anonymous. */
  readonly identify?: Identify;
  /** Notified of each call that changes runs or is refused. Default: writes to the log. */
  readonly audit?: AuditLog;
  /** Where people log in. */
  readonly login?: LoginFacts | undefined;
  /** Default: no limits. */
  readonly guards?: Guards;
}

/** A client that gets these all the time does not mend its ways: its connection is closed. */
const REFUSED: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'RESOURCE_EXHAUSTED']);

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
  onRefused,
  identify = identifyBy({}),
  login,
  guards,
  audit = auditLog(log.child({ logger: 'audit' })),
}: InterceptorOptions): ServerInterceptor[] {
  return [
    observeCalls((call) => {
      log.debug(call, 'call ended');
      onCall?.(call);
      if (REFUSED.has(call.code)) guards?.connections.refused(call.peer);
    }),
    auditCalls(audit),
    guardCalls(identify, log, login),
    ...(guards ? [limitCalls(guards, onRefused)] : []),
  ];
}
