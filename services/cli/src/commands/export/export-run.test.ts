import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { assertFree, writeFolder } from './export-run.js';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'trikd-output-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

test('files are written into a folder that is made with those above it', async () => {
  const out = join(scratch, 'a/b');
  await assertFree(out);
  await writeFolder(out, new Map([['model.bin', Uint8Array.of(1, 2)]]));
  expect([...readFileSync(join(out, 'model.bin'))]).toEqual([1, 2]);
});

test('an empty folder is free, and one with a file or a file in its place is refused', async () => {
  const out = join(scratch, 'out');
  mkdirSync(out);
  await assertFree(out);
  writeFileSync(join(out, 'mine'), '');
  await expect(assertFree(out)).rejects.toMatchObject({
    kind: 'invalid',
    message: `${out} is not empty: --out names another one`,
  });
  await expect(assertFree(join(out, 'mine'))).rejects.toThrow('is not a folder');
});
