import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { configOrExit, loadConfig } from './config.js';

const schema = z.strictObject({
  listen: z.string().default('0.0.0.0:50051'),
  stepTimeout: z.number().positive().default(30),
  store: z.strictObject({ path: z.string() }),
});

function fileWith(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'trikd-config-')), 'config.yaml');
  writeFileSync(file, text);
  return file;
}

describe('loadConfig', () => {
  test('takes the file, then the environment, then the defaults', () => {
    const file = fileWith('listen: 127.0.0.1:1\nstore: { path: /file }\n');
    const env = { TRIKD_CONFIG: file, TRIKD_STORE__PATH: '/data', TRIKD_STEP_TIMEOUT: '2.5', HOME: '/x' };
    expect(loadConfig(schema, env)).toEqual({ listen: '127.0.0.1:1', stepTimeout: 2.5, store: { path: '/data' } });
  });

  test('needs no file', () => {
    expect(loadConfig(schema, { TRIKD_STORE__PATH: '/data' }).store.path).toBe('/data');
  });

  test('reports all problems at once, each with its path', () => {
    const env = { TRIKD_STORE__PTH: '/data', TRIKD_STEP_TIMEOUT: '-1', TRIKD_LISTN: 'x' };
    expect(() => loadConfig(schema, env)).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        message: expect.stringMatching(/listn[\s\S]*at stepTimeout[\s\S]*pth[\s\S]*at store/),
      }),
    );
  });

  test('ignores variables that are not fields', () => {
    expect(loadConfig(schema, { TRIKD_STORE__PATH: '/data', TRIKD_DATA: '/images' }).store).toEqual({ path: '/data' });
  });

  test('keeps text that is not YAML', () => {
    expect(loadConfig(schema, { TRIKD_STORE__PATH: '@weird: [' }).store.path).toBe('@weird: [');
  });

  test.each([
    ['secretKey: "s3cr3t', '1:19: Missing closing "quote'],
    ['store:\n  secretKey: s3cr3t: x', '2:14: Nested mappings are not allowed in compact mappings'],
    ['secretKey: !s3cr3t', '1:12: a tag, which starts with !, is not known'],
    ['secretKey: *s3cr3t', '1:1: an alias, which starts with *, has no anchor'],
    ['secretKey: "\\s3cr3t"', '1:13: an escape sequence in double quotes is not valid'],
    ['secretKey: |s3cr3t', '1:13: Block scalar header includes extra characters'],
    ['%s3cr3t\n---\nsecretKey: a', '1:1: a directive, which starts with %, is not known'],
    ['secretKey: @s3cr3t', '1:12: a value that starts with a special character needs quotes'],
  ])('reports where YAML is invalid and why, without quoting the file: %j', (text, reason) => {
    const file = fileWith(text);
    let message = '';
    try {
      loadConfig(schema, {}, file);
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    expect(message).toBe(`configuration is invalid:\n${file}:${reason}`);
    expect(message).not.toContain('3cr3t');
  });

  test('reads an empty variable as an empty text, and ignores it if the setting accepts none', () => {
    const env = { TRIKD_LISTEN: '', TRIKD_STEP_TIMEOUT: '', TRIKD_STORE__PATH: '/data' };
    expect(loadConfig(schema, env)).toEqual({ listen: '', stepTimeout: 30, store: { path: '/data' } });
  });

  test('rejects a folder', () => {
    expect(() => loadConfig(schema, {}, tmpdir())).toThrow(`cannot read ${tmpdir()}: it is a folder`);
  });

  test('rejects a file that does not exist, and one without a mapping', () => {
    expect(() => loadConfig(schema, {}, '/nowhere.yaml')).toThrow('cannot read /nowhere.yaml: there is no such file');
    expect(() => loadConfig(schema, {}, fileWith('- a\n- b\n'))).toThrow('does not contain a mapping');
  });
});

test('a process that has read its configuration creates files for its own user only', () => {
  const before = process.umask(0);
  try {
    configOrExit(z.strictObject({}), {});
    expect(process.umask()).toBe(0o077);
  } finally {
    process.umask(before);
  }
});
