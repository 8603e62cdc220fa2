import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { stackFolder, takeStackFolder } from './folder.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-stack-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BUCKET = {
  TRIKD_STORE__KIND: 's3',
  TRIKD_STORE__ENDPOINT: 'http://minio:9000',
  TRIKD_STORE__BUCKET: 'runs',
  TRIKD_STORE__ACCESS_KEY: 'visitor',
  TRIKD_STORE__SECRET_KEY: 'hush-hush',
};

describe('the store of a stack', () => {
  test('is in its folder', () => {
    expect(stackFolder(undefined, undefined, {}).store).toEqual({ kind: 'folder', path: resolve('stack/store') });
  });

  test('is the one that the environment names, without another folder', () => {
    expect(stackFolder(undefined, undefined, BUCKET).store).toMatchObject({ kind: 's3', bucket: 'runs' });
    expect(stackFolder('other', undefined, BUCKET).store).toEqual({ kind: 'folder', path: resolve('other/store') });
  });

  test('is the one that the configuration names', () => {
    const file = join(folder, 'orchestrator.yaml');
    writeFileSync(file, 'store: { path: /data }\nretries: 2\n');
    expect(stackFolder(undefined, file, {}).store).toEqual({ kind: 'folder', path: '/data' });
    writeFileSync(file, 'retries: 2\n');
    expect(stackFolder(undefined, file, {}).store).toEqual({ kind: 'folder', path: resolve('stack/store') });
  });
});

describe('the folder of a stack', () => {
  test('belongs to one stack at a time', async () => {
    const own = stackFolder(join(folder, 'own'), undefined, {});
    const lock = await takeStackFolder(own);
    await expect(takeStackFolder(own)).rejects.toThrow(
      `another \`trikd up\` uses ${own.path}: use it with --server, stop it with Ctrl-C, or name another folder with --store`,
    );
    lock.release();
    (await takeStackFolder(own)).release();
  });

  test('and its configuration are for their user only', async () => {
    const path = join(folder, 'private');
    (await takeStackFolder(stackFolder(path, undefined, {}))).release();
    expect([path, join(path, 'store.yaml')].map((one) => statSync(one).mode & 0o777)).toEqual([0o700, 0o600]);
  });

  test('has a configuration with its store, without credentials', async () => {
    const path = join(folder, 'bucket');
    const own = { ...stackFolder(path, undefined, {}), store: stackFolder(undefined, undefined, BUCKET).store };
    (await takeStackFolder(own)).release();
    const text = readFileSync(join(path, 'store.yaml'), 'utf8');
    expect(text).toMatch(/bucket: runs/);
    expect(text).not.toMatch(/visitor|hush/);
  });
});
