import type { Metadata } from '@grpc/grpc-js';

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
