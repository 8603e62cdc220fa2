import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { makeFolder, PRIVATE_FILE } from '@trikd/process/private-files';
import { SERVICE_NAMES, type ServiceName } from '@trikd/process/service-process';
import type { KeyPair, Validity } from '@trikd/transport/access/authority';
import { serviceId, trustDomainOf, userId } from '@trikd/transport/access/caller';
import { leafOf } from '@trikd/transport/access/certificates';
import { type CertificateFiles, certificateFiles } from './tls-settings.js';

/** Namespace in the names of services. */
const NAMESPACE = 'local';
/** Names and addresses of this machine, ::1 as Node.js prints it, so that a renewed certificate does not list it twice. */
const THIS_MACHINE = ['localhost', '127.0.0.1', '0:0:0:0:0:0:0:1'];
const AUTHORITY_DAYS = 3650;
const DAY_MS = 86_400_000;
/** Before now, for machines whose clocks are behind. */
const BEFORE_MS = 300_000;

export interface IssueOptions {
  /** Names and addresses of the machines of the services, besides localhost. */
  readonly hosts: readonly string[];
  /** People. */
  readonly users: readonly string[];
  /** Other servers, such as a store, by their host names. */
  readonly servers?: readonly string[];
  readonly days: number;
}

/** What was written. */
export interface Issued {
  readonly services: readonly ServiceName[];
  readonly users: readonly string[];
  readonly notAfter: Date;
}

/**
 * Makes an authority, a certificate for each service, and one for each person.
 * @throws TrikdError 'wrong-state' if the folder has an authority
 */
export async function initCerts(
  folder: string,
  options: IssueOptions & { readonly trustDomain: string },
): Promise<Issued> {
  const { cert, key } = authorityFiles(folder);
  if (existsSync(key)) {
    throw new TrikdError(
      'wrong-state',
      `${folder} has an authority: \`trikd certs issue ${folder}\` renews its certificates`,
    );
  }
  const { createAuthority } = await import('@trikd/transport/access/authority');
  const authority = await createAuthority(`trikd development CA of ${options.trustDomain}`, validityOf(AUTHORITY_DAYS));
  await makeFolder(folder);
  write(cert, authority.cert);
  write(key, authority.key);
  return issueAll(folder, authority, options.trustDomain, { ...options, services: SERVICE_NAMES });
}

/**
 * Makes new certificates: of people if there are any, else of the services, for the same machines unless others are given.
 * @throws TrikdError 'invalid' if the folder has no authority
 */
export async function issueCerts(folder: string, options: IssueOptions): Promise<Issued> {
  const authority = authorityIn(folder);
  const before = leafOf(certificateFiles(folder, 'orchestrator').cert);
  const hosts = options.hosts.length > 0 ? options.hosts : hostsIn(before.subjectAltName);
  const services = options.users.length > 0 ? [] : SERVICE_NAMES;
  return issueAll(folder, authority, trustDomainOf(before.raw), { ...options, hosts, services });
}

/** Makes new certificates of the services and of people, by the authority of the folder; without one, makes it, too. */
export async function renewCerts(
  folder: string,
  options: IssueOptions & { readonly trustDomain: string },
): Promise<Issued> {
  if (!existsSync(authorityFiles(folder).key)) return initCerts(folder, options);
  return issueAll(folder, authorityIn(folder), options.trustDomain, { ...options, services: SERVICE_NAMES });
}

function authorityIn(folder: string): KeyPair {
  const { cert, key } = authorityFiles(folder);
  if (!existsSync(key)) {
    throw new TrikdError('invalid', `${folder} has no authority: \`trikd certs init ${folder}\` makes one`);
  }
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

type Issuing = IssueOptions & { readonly services: readonly ServiceName[] };

async function issueAll(folder: string, authority: KeyPair, trustDomain: string, options: Issuing): Promise<Issued> {
  const { issueCertificate } = await import('@trikd/transport/access/authority');
  const { services, users, days } = options;
  const validity = validityOf(days);
  const hosts = [...new Set([...THIS_MACHINE, ...options.hosts])];
  /** Without a URI a certificate is nobody's identity: with it, a server cannot call a service. */
  const issue = async (owner: string, uri: string | undefined, names: readonly string[]) => {
    const pair = await issueCertificate(authority, { uris: uri === undefined ? [] : [uri], hosts: names, ...validity });
    await makeFolder(join(folder, owner));
    writePair(certificateFiles(folder, owner), pair, authority.cert);
    return pair;
  };
  for (const service of services) await issue(service, serviceId(trustDomain, NAMESPACE, service), hosts);
  for (const user of users) await issue(join('users', user), userId(trustDomain, user), []);
  for (const server of options.servers ?? []) {
    const pair = await issue(join('servers', server), undefined, [...THIS_MACHINE, server]);
    // As MinIO names its files.
    write(join(folder, 'servers', server, 'private.key'), pair.key);
    write(join(folder, 'servers', server, 'public.crt'), pair.cert);
  }
  return { services, users, notAfter: validity.notAfter };
}

/** A service that reads the files meanwhile keeps its previous ones: the key does not belong to the old certificate. */
function writePair({ ca, cert, key }: CertificateFiles, pair: KeyPair, authority: string): void {
  write(ca, authority);
  write(key, pair.key);
  write(cert, pair.cert);
}

/** Replaces a file at once, for this user only. */
function write(file: string, text: string): void {
  const fresh = `${file}.new`;
  writeFileSync(fresh, text.endsWith('\n') ? text : `${text}\n`, { mode: PRIVATE_FILE });
  renameSync(fresh, file);
}

function authorityFiles(folder: string) {
  return { cert: join(folder, 'ca.crt'), key: join(folder, 'ca.key') };
}

function validityOf(days: number): Validity {
  const now = Date.now();
  return { notBefore: new Date(now - BEFORE_MS), notAfter: new Date(now + days * DAY_MS) };
}

function hostsIn(names = ''): readonly string[] {
  return [...names.matchAll(/(?:DNS|IP Address):([^,]+)/g)].map(([, host = '']) => host);
}
