import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import type { AuditLog } from '../access/audit-log.js';
import { notesOf } from '../access/call-notes.js';
import { knownCallerOf } from '../access/caller.js';
import { changesRuns } from '../access/policy.js';

const REFUSALS = new Set<status>([status.UNAUTHENTICATED, status.PERMISSION_DENIED]);

/** Reports each call that changes runs, and each that is refused, when it has an answer. */
export function auditCalls(audit: AuditLog): ServerInterceptor {
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
