import type { Metadata } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Role as ModelRole } from '@trikd/core/domain/role';
import type { ServiceName } from '@trikd/process/service-process';

/** The role of a service, which its certificate proves. */
export type Role = ServiceName;

const SERVICES: Readonly<Record<ModelRole, Role>> = {
  anchor: 'anchor-server',
  teacher: 'teacher-trainer',
  student: 'student-trainer',
};

/** The service that runs a model. */
export function serviceOf(model: ModelRole): Role {
  return SERVICES[model];
}

export const VERBS = ['view', 'steer', 'delete', 'admin'] as const;
/** What a person may do with runs. */
export type Verb = (typeof VERBS)[number];

/** Who makes a call. */
export type Caller =
  /** Plain text without tokens: on the loopback interface, or where plain text was requested by name. */
  | { readonly kind: 'anonymous' }
  /** A service of the trust domain. `id` is the URI of its certificate. */
  | { readonly kind: 'service'; readonly role: Role; readonly id: string }
  /** A person, or a program that acts for one. */
  | {
      readonly kind: 'user';
      readonly subject: string;
      readonly teams: readonly string[];
      readonly verbs: readonly Verb[];
    };

export const ANONYMOUS: Caller = { kind: 'anonymous' };

/** Keyed by the object, not by an entry in it: nothing that a client sends can name a caller. */
const callers = new WeakMap<Metadata, Caller>();

/** Remembers who makes the call with this metadata. For the server interceptor, and for tests of handlers. */
export function setCaller(metadata: Metadata, caller: Caller): void {
  callers.set(metadata, caller);
}

/**
 * Who makes a call, by the metadata that its handler received.
 * @throws TrikdError 'unauthenticated' if no interceptor has determined it
 */
export function callerOf(metadata: Metadata): Caller {
  const caller = knownCallerOf(metadata);
  if (!caller) throw new TrikdError('unauthenticated', 'nothing is known about the caller');
  return caller;
}

/** As {@link callerOf}, and undefined if it is not known. */
export function knownCallerOf(metadata: Metadata): Caller | undefined {
  return callers.get(metadata);
}
