import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, type Logger } from '@trikd/process/logging';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAuthority, issueCertificate, type KeyPair } from './authority.js';
import { type Certificates, openCertificates, readTlsFiles } from './certificates.js';

const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2126-01-01') };
const leaf = { uris: ['spiffe://trikd/ns/lab/sa/orchestrator'], hosts: ['localhost'], ...validity };
let authority: KeyPair;
let [first, second, expired]: KeyPair[] = [];
beforeAll(async () => {
  authority = await createAuthority('test', validity);
  first = await issueCertificate(authority, leaf);
  second = await issueCertificate(authority, leaf);
  expired = await issueCertificate(authority, { ...leaf, notAfter: new Date('2026-01-02') });
});

let folder: string;
let lines: string[];
let log: Logger;
let certificates: Certificates | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trikd-'));
  lines = [];
  log = createLogger({ level: 'debug' }, 'test', { write: (line: string) => void lines.push(line) });
  write({ ca: authority.cert, ...first! });
});
afterEach(() => {
  certificates?.close();
  rmSync(folder, { recursive: true });
});

type Written = Partial<Record<'ca' | 'cert' | 'key', string>>;
const files = () => ({ ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') });
function write(texts: Written, place = folder): void {
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(place, `${name}.pem`), text);
}
const open = () => {
  certificates = openCertificates(files(), { log, lookMs: 3_600_000 });
  return certificates;
};
const lookTwice = (each: Certificates) => {
  each.look();
  each.look();
};
const keyOf = (each: Certificates) => each.current().key?.toString();

describe('readTlsFiles', () => {
  test.each<[string, () => Written, RegExp]>([
    ['a key of another certificate', () => ({ key: second!.key }), /key\.pem is not the private key of/],
    ['a certificate that is cut off', () => ({ cert: first!.cert.slice(0, 200) }), /cert\.pem contains no certificate/],
    ['a chain that is cut off', () => ({ cert: first!.cert + authority.cert.slice(0, 99) }), /cert\.pem is incomplete/],
    ['an empty key', () => ({ key: '' }), /key\.pem contains no private key/],
    ['authorities that are cut off', () => ({ ca: authority.cert.slice(0, 99) }), /ca\.pem contains no certificate/],
    ['an expired certificate', () => expired!, /cert\.pem expired at 2026-01-02/],
  ])('refuses %s by the name of the file', (_, texts, message) => {
    write(texts());
    expect(() => readTlsFiles(files())).toThrow(message);
  });

  test('states nothing of a key in an error', () => {
    write({ key: second!.key, cert: second!.key });
    expect(() => readTlsFiles(files())).toThrow(
      expect.not.objectContaining({ message: expect.stringMatching(/[A-Za-z0-9+/]{40}/) }),
    );
  });
});

describe('certificates', () => {
  test('are replaced together once all files have changed and rest', () => {
    const replaced: string[] = [];
    const each = open();
    each.onChange(({ key }) => replaced.push(`${key}`));
    write({ key: second!.key });
    lookTwice(each);
    expect(keyOf(each)).toBe(first!.key);
    write({ cert: second!.cert });
    each.look();
    expect(keyOf(each)).toBe(first!.key);
    each.look();
    expect(keyOf(each)).toBe(second!.key);
    expect(replaced).toEqual([second!.key]);
  });

  test('stay in use while a file is missing, and the reason is logged once and without a key', () => {
    const each = open();
    rmSync(files().key);
    for (let i = 0; i < 5; i++) each.look();
    expect(keyOf(each)).toBe(first!.key);
    expect(lines.filter((line) => line.includes('the previous ones stay'))).toHaveLength(1);
    expect(lines.join('')).not.toContain(first!.key.split('\n')[1]);
  });

  test('come from one folder of a volume of Kubernetes, although each file is a link of its own', () => {
    const place = (name: string, texts: Written) => {
      mkdirSync(join(folder, name));
      write({ ca: authority.cert, ...texts }, join(folder, name));
    };
    place('..1', first!);
    place('..2', second!);
    symlinkSync('..1', join(folder, '..data'));
    for (const name of ['ca', 'cert', 'key']) {
      rmSync(join(folder, `${name}.pem`));
      symlinkSync(`..data/${name}.pem`, join(folder, `${name}.pem`));
    }
    const each = open();
    expect(keyOf(each)).toBe(first!.key);
    symlinkSync('..2', join(folder, '..new'));
    renameSync(join(folder, '..new'), join(folder, '..data'));
    lookTwice(each);
    expect(keyOf(each)).toBe(second!.key);
  });

  test('that belong to somebody else are not adopted', () => {
    certificates = openCertificates(files(), {
      log,
      lookMs: 3_600_000,
      check: ({ key }) => {
        if (key?.toString() === second!.key) throw new Error('names another role');
      },
    });
    write(second!);
    lookTwice(certificates);
    expect(keyOf(certificates)).toBe(first!.key);
  });

  test('that cannot be used at the start are an error', () => {
    write({ key: 'nothing' });
    expect(open).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});
