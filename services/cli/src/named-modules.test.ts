import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { loadSpec } from './load-spec.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-named-'));
beforeAll(() => {
  vi.stubEnv('TRIKD_MODULES', join(folder, 'kept'));
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const TEXT = 'export default () => undefined;';
const sha256 = createHash('sha256').update(TEXT).digest('hex');

function specOf(model: object): string {
  mkdirSync(join(folder, 'nets'), { recursive: true });
  writeFileSync(join(folder, 'nets/net.ts'), TEXT);
  const path = join(folder, 'run.yaml');
  const other = { model: { kind: 'plain-cnn', channels: [2] } };
  const spec = { name: 'r', method: 'kd', data: { kind: 'synthetic' }, epochs: 1, student: { model }, teacher: other };
  writeFileSync(path, JSON.stringify(spec));
  return path;
}

test('a run has the digest of its module and the name of the file alone, and the text is kept', () => {
  const { student } = loadSpec(specOf({ kind: 'module', file: './nets/net.ts' }), []);
  expect(student?.model).toEqual({ kind: 'module', file: 'net.ts', sha256 });
  expect(readdirSync(join(folder, 'kept'))).toEqual([`net-${sha256.slice(0, 16)}.ts`]);
});

test('a module that is not there is found by its digest among those that were kept', () => {
  loadSpec(specOf({ kind: 'module', file: './nets/net.ts' }), []);
  const { student } = loadSpec(specOf({ kind: 'module', file: 'elsewhere.ts', sha256 }), []);
  expect(student?.model).toEqual({ kind: 'module', file: 'elsewhere.ts', sha256 });
  const other = specOf({ kind: 'module', file: 'elsewhere.ts', sha256: 'a'.repeat(64) });
  expect(() => loadSpec(other, [])).toThrow(/no file in .*kept is the module elsewhere\.ts with the SHA-256 aaaa/);
});

test.each([
  [{ sha256: 'a'.repeat(64) }, /the module \.\/nets\/net\.ts has the SHA-256 .*, not aaaa/],
  [{ file: 'nets/other.ts' }, /cannot read the module .*nets\/other\.ts: there is no such file/],
  [{ file: 'nets/net.py' }, /student\.model\.file: a file named \*\.ts/],
])('a module of another digest, or without a file, is refused: %o', (changes, message) => {
  expect(() => loadSpec(specOf({ kind: 'module', file: './nets/net.ts', ...changes }), [])).toThrow(message);
});
