import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfig } from './config.js';

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

  test('reports all problems at once, each with its place', () => {
    const env = { TRIKD_STORE__PTH: '/data', TRIKD_STEP_TIMEOUT: '-1', TRIKD_LISTN: 'x' };
    expect(() => loadConfig(schema, env)).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        message: expect.stringMatching(/listn[\s\S]*at stepTimeout[\s\S]*pth[\s\S]*at store/),
      }),
    );
  });

  test('leaves alone what other parts read from the environment', () => {
    expect(loadConfig(schema, { TRIKD_STORE__PATH: '/data', TRIKD_DATA: '/images' }).store).toEqual({ path: '/data' });
  });

  test('keeps text that is no YAML as text', () => {
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
  ])('says where YAML is wrong and why, and never quotes the file: %j', (text, reason) => {
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

  test('takes an empty variable for an empty text, and for none where the setting takes no empty text', () => {
    const env = { TRIKD_LISTEN: '', TRIKD_STEP_TIMEOUT: '', TRIKD_STORE__PATH: '/data' };
    expect(loadConfig(schema, env)).toEqual({ listen: '', stepTimeout: 30, store: { path: '/data' } });
  });

  test('names a folder that is no file', () => {
    expect(() => loadConfig(schema, {}, tmpdir())).toThrow(`cannot read ${tmpdir()}: it is a folder`);
  });

  test('names a file that is not there, and one that holds no mapping', () => {
    expect(() => loadConfig(schema, {}, '/nowhere.yaml')).toThrow('cannot read /nowhere.yaml: there is no such file');
    expect(() => loadConfig(schema, {}, fileWith('- a\n- b\n'))).toThrow('holds no mapping');
  });
});
