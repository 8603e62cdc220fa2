import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readText } from './read-text.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-text-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a text is read to its end, up to a number of bytes', () => {
  const file = join(folder, 'text');
  writeFileSync(file, 'größer');
  expect(readText(file, 8)).toBe('größer');
  expect(() => readText(file, 7)).toThrow(`cannot read ${file}: it has more than 7 bytes`);
});

test('a device without an end is refused', () => {
  expect(() => readText('/dev/zero')).toThrow('cannot read /dev/zero: it has more than 1048576 bytes');
});

test('a text is read from a pipe', () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  spawn('sh', ['-c', `printf 'a: 1' > ${pipe}`], { stdio: 'ignore' });
  expect(readText(pipe)).toBe('a: 1');
});

test('why a file cannot be read is said in words', () => {
  expect(() => readText(join(folder, 'absent'))).toThrow('there is no such file');
  expect(() => readText(folder)).toThrow('it is a folder');
});
