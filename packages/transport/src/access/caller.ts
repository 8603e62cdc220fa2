import { X509Certificate } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Role as ModelRole } from '@trikd/core/domain/position';
import { SERVICE_NAMES, type ServiceName } from '@trikd/process/service-process';

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

const SEGMENT = '[A-Za-z0-9._-]+';
const SERVICE = new RegExp(`^spiffe://(${SEGMENT})/ns/${SEGMENT}/sa/(${SEGMENT})$`);
const USER = new RegExp(`^spiffe://(${SEGMENT})/user/(${SEGMENT})$`);

/** The name in the certificate of a service. */
export function serviceId(trustDomain: string, namespace: string, role: Role): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${role}`;
}

/** The name in the certificate of a person. */
export function userId(trustDomain: string, user: string): string {
  return `spiffe://${trustDomain}/user/${user}`;
}

/**
 * The caller that a verified certificate names: a service, or a person with all verbs.
 * @param raw the certificate in DER
 * @throws TrikdError 'unauthenticated' if it does not have exactly one URI, or not one of the trust domain
 */
export function callerOfCertificate(raw: Buffer, trustDomain: string): Caller {
  const id = onlyUriOf(new X509Certificate(raw));
  const [, domain, role] = SERVICE.exec(id) ?? [];
  const [, userDomain, user] = USER.exec(id) ?? [];
  if ((domain ?? userDomain) !== trustDomain) {
    throw new TrikdError(
      'unauthenticated',
      `the certificate names ${id}, which is not in the trust domain ${trustDomain}`,
    );
  }
  if (user !== undefined) return { kind: 'user', subject: user, teams: [], verbs: VERBS };
  const known = SERVICE_NAMES.find((each) => each === role);
  if (known === undefined)
    throw new TrikdError('unauthenticated', `the certificate names ${id}, which is no service of trikd`);
  return { kind: 'service', role: known, id };
}

/** The trust domain that a certificate names. @throws TrikdError 'unauthenticated' if it does not have exactly one URI of trikd */
export function trustDomainOf(raw: Buffer): string {
  const id = onlyUriOf(new X509Certificate(raw));
  const [, domain = ''] = SERVICE.exec(id) ?? USER.exec(id) ?? [];
  if (domain === '') throw new TrikdError('unauthenticated', `the certificate names ${id}, which is no name of trikd`);
  return domain;
}

/** Node.js quotes a name that contains a separator, so that no name can pretend to be two. */
const NAME = /(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^",]*)/gy;

/** SPIFFE demands exactly one URI, so that a certificate cannot be two identities. */
function onlyUriOf({ subjectAltName = '' }: X509Certificate): string {
  const names = [...subjectAltName.matchAll(NAME)];
  const isRead = names.reduce((length, [text]) => length + text.length, 0) === subjectAltName.length;
  const uris = names.filter(([, type]) => type === 'URI').map(([, , value = '']) => value);
  const [uri] = uris;
  if (!isRead || uri === undefined || uris.length > 1) {
    throw new TrikdError('unauthenticated', `the certificate needs exactly one URI, and has ${uris.length}`);
  }
  return uri;
}
