import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callerOfCertificate } from '@trikd/transport/access/caller';
import { readTlsFiles } from '@trikd/transport/access/certificates';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issuedText } from './actions.js';
import { initCerts, issueCerts, renewCerts } from './make-certs.js';
import { certificateFiles, tlsSettings } from './tls-settings.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-certs-'));
const certs = join(folder, 'certs');
const options = { hosts: ['gpu-1.example.org', '10.0.0.7'], users: ['ada'], days: 30, trustDomain: 'lab' };
beforeAll(() => initCerts(certs, options));
afterAll(() => rmSync(folder, { recursive: true }));

const certificate = (owner: string) => new X509Certificate(readFileSync(certificateFiles(certs, owner).cert));

describe('trikd certs init', () => {
  test.each(['orchestrator', 'anchor-server', 'teacher-trainer', 'student-trainer'] as const)(
    'makes a certificate for the %s, with which it can be reached on every named machine',
    (service) => {
      const { leaf } = readTlsFiles(certificateFiles(certs, service));
      expect(callerOfCertificate(leaf!.raw, 'lab')).toMatchObject({ kind: 'service', role: service });
      expect(leaf!.checkHost('localhost')).toBe('localhost');
      expect(leaf!.checkHost('gpu-1.example.org')).toBe('gpu-1.example.org');
      for (const ip of ['127.0.0.1', '::1', '10.0.0.7']) expect(leaf!.checkIP(ip)).toBe(ip);
      expect(leaf!.verify(new X509Certificate(readFileSync(join(certs, 'ca.crt'))).publicKey)).toBe(true);
      expect(leaf!.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
      expect((leaf!.validToDate.getTime() - Date.now()) / 86_400_000).toBeCloseTo(30, 0);
    },
  );

  test('makes a certificate for each person', () => {
    const { leaf } = readTlsFiles(certificateFiles(certs, 'users/ada'));
    expect(callerOfCertificate(leaf!.raw, 'lab')).toMatchObject({ kind: 'user', subject: 'ada' });
  });

  test('keeps every file and folder to its user', () => {
    const entries = readdirSync(certs, { recursive: true, withFileTypes: true });
    expect(entries.length).toBeGreaterThan(15);
    for (const entry of entries) {
      const mode = statSync(join(entry.parentPath, entry.name)).mode & 0o777;
      expect(mode, entry.name).toBe(entry.isDirectory() ? 0o700 : 0o600);
    }
    expect(statSync(certs).mode & 0o777).toBe(0o700);
  });

  test('can be repeated: the authority stays, services and people get new certificates', async () => {
    const authority = readFileSync(join(certs, 'ca.crt'), 'utf8');
    const before = ['orchestrator', 'users/ada'].map((owner) => certificate(owner).serialNumber);
    await renewCerts(certs, options);
    const after = ['orchestrator', 'users/ada'].map((owner) => certificate(owner).serialNumber);
    expect(after.filter((serial) => before.includes(serial))).toEqual([]);
    expect(readFileSync(join(certs, 'ca.crt'), 'utf8')).toBe(authority);
    const fresh = join(folder, 'fresh');
    expect(await renewCerts(fresh, options)).toMatchObject({ users: ['ada'] });
  });

  test('makes a certificate for another server, with which it can be reached, and cannot call a service', async () => {
    const store = join(folder, 'with-store');
    await initCerts(store, { ...options, servers: ['minio'] });
    const { leaf } = readTlsFiles(certificateFiles(store, 'servers/minio'));
    expect(leaf!.checkHost('minio')).toBe('minio');
    expect(() => callerOfCertificate(leaf!.raw, 'lab')).toThrow();
    for (const [name, same] of [
      ['public.crt', 'tls.crt'],
      ['private.key', 'tls.key'],
    ] as const) {
      const read = (file: string) => readFileSync(join(store, 'servers/minio', file), 'utf8');
      expect(read(name)).toBe(read(same));
    }
  });

  test('refuses to replace an authority', async () => {
    await expect(initCerts(certs, options)).rejects.toMatchObject({ kind: 'wrong-state' });
  });
});

describe('trikd certs issue', () => {
  test('renews the services for the same machines and the same trust domain', async () => {
    const before = certificate('student-trainer');
    await issueCerts(certs, { hosts: [], users: [], days: 60 });
    const after = certificate('student-trainer');
    expect(after.serialNumber).not.toBe(before.serialNumber);
    expect(after.subjectAltName).toBe(before.subjectAltName);
    readTlsFiles(certificateFiles(certs, 'student-trainer'));
  });

  test('for a person leaves the services as they are', async () => {
    const before = certificate('orchestrator').serialNumber;
    await issueCerts(certs, { hosts: [], users: ['grace'], days: 1 });
    expect(certificate('orchestrator').serialNumber).toBe(before);
    expect(callerOfCertificate(certificate('users/grace').raw, 'lab')).toMatchObject({ subject: 'grace' });
  });

  test('without an authority says how to make one', async () => {
    const nowhere = join(folder, 'nowhere');
    await expect(issueCerts(nowhere, { hosts: [], users: [], days: 1 })).rejects.toThrow(
      `\`trikd certs init ${nowhere}\``,
    );
  });
});

describe('the settings of a service', () => {
  test('name its files and the trust domain', () => {
    const { ca, cert, key } = certificateFiles(certs, 'anchor-server');
    expect(tlsSettings(certs, 'anchor-server')).toEqual({
      'tls.ca': ca,
      'tls.cert': cert,
      'tls.key': key,
      'tls.trustDomain': 'lab',
    });
  });

  test('are refused with what to do when its certificate is missing or damaged', () => {
    expect(() => tlsSettings(folder, 'anchor-server')).toThrow(`\`trikd certs init ${folder}\` makes it`);
    const { key } = certificateFiles(certs, 'teacher-trainer');
    writeFileSync(key, 'nothing');
    expect(() => tlsSettings(certs, 'teacher-trainer')).toThrow(`${key} contains no private key`);
  });
});

test('people read where the certificates are, and what to type next', () => {
  const issued = { services: ['orchestrator'] as const, users: ['ada'], notAfter: new Date('2027-01-02') };
  expect(issuedText('certs', issued, true)).toBe(`certificates orchestrator, users/ada in certs
valid until  2027-01-02
authority    certs/ca.crt; keep certs/ca.key off other machines
next         trikd up --tls certs
             trikd runs list --server 127.0.0.1:50050 --ca certs/users/ada/ca.crt --cert certs/users/ada/tls.crt --key certs/users/ada/tls.key`);
});
