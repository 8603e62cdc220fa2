import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from '@trikd/process/logging';
import { type GrpcFailure, toStatus } from '@trikd/protocol/status';
import { type AuditLog, auditLog, notesOf } from '../access/audit-log.js';
import { type Caller, callerOf, knownCallerOf, setCaller } from '../access/caller.js';
import { type Identify, identifyBy } from '../access/identify.js';
import type { LoginFacts } from '../access/oidc-config.js';
import { assertAllowed, changesRuns } from '../access/policy.js';
import type { Admission, CallGuard } from '../limits/call-guard.js';
import { addressOfPeer, type ConnectionGuard } from '../limits/connection-guard.js';

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

const REFUSALS = new Set<status>([status.UNAUTHENTICATED, status.PERMISSION_DENIED]);

/** Reports each call that changes runs, and each that is refused, when it has an answer. */
function auditCalls(audit: AuditLog): ServerInterceptor {
  return ({ path }, next) => {
    let received: Metadata | undefined;
    let reported = false;
    const report = (code: status, details: string) => {
      const { refusal, ...about } = received ? notesOf(received) : {};
      const isRefusal = refusal !== undefined || REFUSALS.has(code);
      if (reported || !(isRefusal || changesRuns(path))) return;
      reported = true;
      const reason = refusal ?? (code === status.OK ? undefined : details);
      audit({
        ...{ method: path.slice(1), peer: next.getPeer(), outcome: status[code] },
        caller: received && knownCallerOf(received),
        ...about,
        ...(reason !== undefined && { reason }),
      });
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, proceed) => {
        received = metadata;
        proceed(metadata);
      })
      // Its answer never reaches the client; what it asked for may still happen.
      .withOnCancel(() => report(status.CANCELLED, 'the caller left'))
      .build();
    return new ServerInterceptingCall(next, {
      start: (begin) => begin(listener),
      sendStatus: (answer, send) => {
        report(answer.code ?? status.OK, answer.details ?? '');
        send(answer);
      },
    });
  };
}

/** Refuses a call before its handler sees it, unless the policy opens its method to the caller. */
function guardCalls(identify: Identify, log: Logger, login?: LoginFacts): ServerInterceptor {
  return ({ path }, next) => {
    const refuse = (error: unknown) => {
      if (!(error instanceof TrikdError)) log.error({ err: error }, 'the caller could not be determined');
      next.sendStatus(toStatus(withLogin(error, login)));
    };
    const admit = (metadata: Metadata, caller: Caller | undefined): boolean => {
      try {
        // Before the check: the audit log says who was refused.
        if (caller) setCaller(metadata, caller);
        assertAllowed(path, caller);
        return true;
      } catch (error) {
        refuse(error);
        return false;
      }
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, proceed) => {
        const answer = attempt(() => identify(next.getAuthContext().sslPeerCertificate?.raw, metadata));
        if (answer instanceof Promise) {
          answer.then((caller) => admit(metadata, caller) && proceed(metadata), refuse).catch(refuse);
        } else if (admit(metadata, answer)) proceed(metadata);
      })
      .build();
    return new ServerInterceptingCall(next, { start: (begin) => begin(listener) });
  };
}

function withLogin(error: unknown, login: LoginFacts | undefined): unknown {
  if (!login || !(error instanceof TrikdError) || error.kind !== 'unauthenticated') return error;
  const { issuer, clientId } = login;
  return new TrikdError('unauthenticated', error.message, { issuer, client_id: clientId });
}

function attempt<T>(work: () => T | Promise<T>): T | Promise<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** What counts the connections and the calls of a server. */
interface Guards {
  readonly connections: ConnectionGuard;
  readonly calls: CallGuard;
}

/** Refusals that are remembered, at most. */
const MOST_REFUSALS = 256;

/** Refuses calls beyond the limits with RESOURCE_EXHAUSTED, before their handlers see them. */
function limitCalls({ connections, calls }: Guards, onRefused?: (limit: string) => void): ServerInterceptor {
  const refusalOf = rememberedRefusals();
  return ({ path, responseStream }, next) => {
    const peer = next.getPeer();
    let end: (() => void) | undefined;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, forward) => {
        const call = { caller: callerName(metadata, peer), method: path.slice(1), streams: responseStream };
        const admission = calls.begin(call);
        if (admission.kind === 'refused') {
          onRefused?.(admission.limit);
          return next.sendStatus(refusalOf(admission));
        }
        const rest = connections.begin(peer);
        end = () => {
          end = undefined;
          admission.end();
          rest();
        };
        forward(metadata);
      })
      .withOnCancel(() => end?.())
      .build();
    return new ServerInterceptingCall(next, {
      start: (begin) => begin(listener),
      sendStatus: (answer, send) => {
        end?.();
        send(answer);
      },
    });
  };
}

type Refused = Extract<Admission, { readonly kind: 'refused' }>;

/** An attack gets the same few refusals thousands of times a second: the error and its details are made once for each. */
function rememberedRefusals(): (refused: Refused) => GrpcFailure {
  const made = new Map<string, GrpcFailure>();
  return ({ reason, retryAfterMs }) => {
    const known = made.get(reason);
    if (known) return known;
    if (made.size >= MOST_REFUSALS) made.clear();
    const refusal = toStatus(new TrikdError('exhausted', reason, retryAfterMs === undefined ? {} : { retryAfterMs }));
    made.set(reason, refusal);
    return refusal;
  };
}

/** Who is counted: the identity that the client has proved, or its address. */
function callerName(metadata: Metadata, peer: string): string {
  const caller = callerOf(metadata);
  switch (caller.kind) {
    case 'user':
      return caller.subject;
    case 'service':
      return caller.id;
    case 'anonymous':
      return addressOfPeer(peer);
  }
}

/** A call that a server has answered, or that its client has given up. */
export interface EndedCall {
  /** Such as trikd.v1.TrainerService/Assign. */
  readonly method: string;
  /** Address of the client. */
  readonly peer: string;
  /** Name of the status, such as NOT_FOUND. */
  readonly code: string;
  /** Milliseconds. */
  readonly duration: number;
}

type CallListener = (call: EndedCall) => void;

/**
 * Reports each call once, when it ends.
 *
 * grpc-js reports some ends as a cancellation only: a deadline that has passed is recognised by the clock, and a message that is
 * too large counts as CANCELLED.
 */
function observeCalls(onCall: CallListener): ServerInterceptor {
  return ({ path }, next) => {
    const started = performance.now();
    let ended = false;
    const end = (code: status) => {
      if (ended) return;
      ended = true;
      onCall({
        method: path.slice(1),
        peer: next.getPeer(),
        code: status[code],
        duration: performance.now() - started,
      });
    };
    const isLate = () => Number(next.getDeadline()) <= Date.now();
    const listener = new ServerListenerBuilder()
      .withOnCancel(() => end(isLate() ? status.DEADLINE_EXCEEDED : status.CANCELLED))
      .build();
    return new ServerInterceptingCall(next, {
      start: (begin) => begin(listener),
      sendStatus: (answer, send) => {
        end(answer.code ?? status.OK);
        send(answer);
      },
    });
  };
}
