import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority, issueCertificate, type KeyPair, type Leaf } from '@trikd/transport/access/authority';
import type { Role } from '@trikd/transport/access/caller';
import { serviceId } from '@trikd/transport/access/caller';

export const LASTING = { notBefore: new Date('2026-01-01'), notAfter: new Date('2126-01-01') };
export const EXPIRED = { notBefore: new Date('2026-01-01'), notAfter: new Date('2026-01-02') };

/** A new authority. */
export function newAuthority(): Promise<KeyPair> {
  return createAuthority('test', LASTING);
}

/** A certificate of a role in the trust domain trikd. */
export function certificateOf(authority: KeyPair, role: Role, leaf: Partial<Leaf> = {}): Promise<KeyPair> {
  const uris = [serviceId('trikd', 'test', role)];
  return issueCertificate(authority, { uris, hosts: ['localhost', '127.0.0.1'], ...LASTING, ...leaf });
}

/** The files of a service in a folder. */
export function tlsFilesIn(folder: string) {
  return { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
}

/** Writes a certificate where a service reads it; returns section `tls` of its configuration. */
export function writeTls(folder: string, ca: string, { cert, key }: KeyPair) {
  mkdirSync(folder, { recursive: true });
  const files = tlsFilesIn(folder);
  writeFileSync(files.ca, ca);
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  return { ...files, trustDomain: 'trikd', connectionAge: 1800 };
}
