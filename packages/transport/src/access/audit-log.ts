import type { Metadata } from '@grpc/grpc-js';
import type { Logger } from '@trikd/process/logging';
import type { Caller } from './caller.js';

/** A call that changes something, or that was refused. */
export interface AuditedCall {
  /** Such as trikd.v1.RunService/PauseRun, or POST /api/runs. */
  readonly method: string;
  /** Address of the client. */
  readonly peer: string;
  /** Name of the status, such as PERMISSION_DENIED. */
  readonly outcome: string;
  /** Undefined: nobody that is known. */
  readonly caller: Caller | undefined;
  readonly run?: string;
  readonly requestId?: string;
  /** Why it was refused. Never a part of a token. */
  readonly reason?: string;
}

export type AuditLog = (call: AuditedCall) => void;

/** Refusals that are written in a second: a flood of calls without credentials must not fill the disk. */
const MOST_REFUSALS = 50;

/** Writes one line for each call. Calls of a known caller are all written, and of the others so many in a second. */
export function auditLog(log: Pick<Logger, 'info'>): AuditLog {
  let second = 0;
  let written = 0;
  let left = 0;
  return ({ caller, ...call }) => {
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) [second, written] = [now, 0];
    if (!caller) {
      written += 1;
      if (written > MOST_REFUSALS) {
        left += 1;
        return;
      }
    }
    log.info(
      { kind: caller?.kind ?? 'unknown', subject: subjectOf(caller), ...call, ...(left > 0 && { left }) },
      'audit',
    );
    left = 0;
  };
}

/** Who a caller is, in one text. */
export function subjectOf(caller: Caller | undefined): string {
  if (caller?.kind === 'user') return caller.subject;
  return caller?.kind === 'service' ? caller.id : '';
}

/** What a handler knows about a call, for the audit log. */
export interface CallNotes {
  readonly run?: string;
  readonly requestId?: string;
  /** Why the caller was refused, where the answer does not say it. */
  readonly refusal?: string;
}

/** Keyed as callers are: by the metadata of the call. */
const notes = new WeakMap<Metadata, CallNotes>();

/** Adds to what is known about the call with this metadata. */
export function noteCall(metadata: Metadata, more: CallNotes): void {
  notes.set(metadata, { ...notes.get(metadata), ...more });
}

export function notesOf(metadata: Metadata): CallNotes {
  return notes.get(metadata) ?? {};
}
