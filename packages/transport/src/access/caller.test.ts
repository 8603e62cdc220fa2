import { X509Certificate } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';
import { beforeAll, describe, expect, test } from 'vitest';
import { createAuthority, issueCertificate, type KeyPair } from './authority.js';
import { type Caller, callerOf, callerOfCertificate, serviceId, setCaller, userId, VERBS } from './caller.js';

const teacher: Caller = { kind: 'service', role: 'teacher-trainer', id: 'spiffe://trikd/ns/lab/sa/teacher-trainer' };

describe('callerOf', () => {
  test('returns the caller that was determined for the metadata of a call', () => {
    const metadata = new Metadata();
    setCaller(metadata, teacher);
    expect(callerOf(metadata)).toBe(teacher);
  });

  test('does not take a caller over from equal metadata', () => {
    const metadata = new Metadata();
    metadata.set('caller', 'orchestrator');
    setCaller(metadata, teacher);
    expect(() => callerOf(metadata.clone())).toThrow(expect.objectContaining({ kind: 'unauthenticated' }));
  });
});

const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2036-01-01') };
let authority: KeyPair;
beforeAll(async () => {
  authority = await createAuthority('test', validity);
});

async function certificate(...uris: string[]): Promise<Buffer> {
  const { cert } = await issueCertificate(authority, { uris, hosts: ['localhost', '127.0.0.1'], ...validity });
  return new X509Certificate(cert).raw;
}

describe('callerOfCertificate', () => {
  test('reads the role of a service', async () => {
    const id = serviceId('trikd', 'lab', 'student-trainer');
    expect(callerOfCertificate(await certificate(id), 'trikd')).toEqual({
      kind: 'service',
      role: 'student-trainer',
      id,
    });
  });

  test('gives a person all verbs', async () => {
    const raw = await certificate(userId('trikd', 'ada'));
    expect(callerOfCertificate(raw, 'trikd')).toEqual({ kind: 'user', subject: 'ada', teams: [], verbs: VERBS });
  });

  test.each<[string, string[]]>([
    ['no URI', []],
    ['two URIs', [serviceId('trikd', 'lab', 'orchestrator'), serviceId('trikd', 'lab', 'teacher-trainer')]],
    ['another trust domain', [serviceId('other', 'lab', 'orchestrator')]],
    ['a trust domain that starts alike', ['spiffe://trikd.evil/ns/lab/sa/orchestrator']],
    ['an unknown role', ['spiffe://trikd/ns/lab/sa/admin']],
    ['a longer path', ['spiffe://trikd/ns/lab/sa/orchestrator/x']],
    ['an escaped path', ['spiffe://trikd/ns/lab/sa/%6frchestrator']],
    ['another scheme', ['https://trikd/ns/lab/sa/orchestrator']],
    ['a URI that pretends to be two names', ['spiffe://x, URI:spiffe://trikd/ns/lab/sa/orchestrator']],
  ])('refuses %s', async (_, uris) => {
    const raw = await certificate(...uris);
    expect(() => callerOfCertificate(raw, 'trikd')).toThrow(expect.objectContaining({ kind: 'unauthenticated' }));
  });
});
