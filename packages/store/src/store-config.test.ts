import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { TrikdError } from '@trikd/core/domain/errors';
import { loadConfig } from '@trikd/process/config';
import { createLogger } from '@trikd/process/logging';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { openStore } from './open-store.js';
import { credentialsOf, type S3Config, StoreConfig } from './store-config.js';

const CANARY = 'canary-4f1d0c';
const schema = z.strictObject({ store: StoreConfig });
const load = (env: Readonly<Record<string, string>>) => loadConfig(schema, env).store;
const s3 = {
  TRIKD_STORE__KIND: 's3',
  TRIKD_STORE__ENDPOINT: 'http://minio:9000',
  TRIKD_STORE__BUCKET: 'runs',
  TRIKD_STORE__ACCESS_KEY: 'me',
  TRIKD_STORE__SECRET_KEY: CANARY,
};

function loadS3(env: Readonly<Record<string, string>>): S3Config {
  const store = load(env);
  if (store.kind !== 's3') throw new Error(`expected s3, got ${store.kind}`);
  return store;
}

function fileWith(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'trikd-store-config-')), 'key');
  writeFileSync(file, text);
  return file;
}

/** The address of a server that has gone. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : '';
}

test('a store is a folder unless it says otherwise', () => {
  expect(load({ TRIKD_STORE__PATH: '/data' })).toEqual({ kind: 'folder', path: '/data' });
  expect(load({ TRIKD_STORE__KIND: 'folder', TRIKD_STORE__PATH: '/data' })).toEqual({ kind: 'folder', path: '/data' });
});

test('a bucket has a region by default', () => {
  expect(loadS3(s3)).toMatchObject({ kind: 's3', endpoint: 'http://minio:9000', bucket: 'runs', region: 'us-east-1' });
});

test.each([
  [{ TRIKD_STORE__KIND: 'ftp' }, /kind/],
  [{ TRIKD_STORE__PATH: '/data' }, /path/],
  [{ TRIKD_STORE__ENDPOINT: 'minio:9000' }, /expected http:\/\/host:port/],
  [{ TRIKD_STORE__ENDPOINT: 'http://minio:9000/bucket' }, /expected nothing after the port/],
  [{ TRIKD_STORE__BUCKET: 'Up_per' }, /expected 3 to 63 of/],
  [{ TRIKD_STORE__PREFIX: '/a' }, /expected names with/],
  [{ TRIKD_STORE__ACCESS_KEY_FILE: '/key' }, /expected one of accessKey and accessKeyFile/],
  [{ TRIKD_STORE__SECRET_KEY: '' }, /secretKey/],
  [{ TRIKD_STORE__SECRET_KEY: '12345678' }, /expected text; digits alone need quotes/],
])('refuses %j', (change, message) => {
  expect(() => load({ ...s3, ...change })).toThrow(message);
});

test('credentials may be in files, whose line break is not part of them', () => {
  const { TRIKD_STORE__ACCESS_KEY: _, TRIKD_STORE__SECRET_KEY: __, ...rest } = s3;
  const files = {
    TRIKD_STORE__ACCESS_KEY_FILE: fileWith('me\n'),
    TRIKD_STORE__SECRET_KEY_FILE: fileWith('s3cret\r\n'),
  };
  const credentials = credentialsOf(loadS3({ ...rest, ...files }));
  expect(credentials.accessKey).toBe('me');
  expect(credentials.secretKey.reveal()).toBe('s3cret');
  const empty = { ...files, TRIKD_STORE__SECRET_KEY_FILE: fileWith('\n') };
  expect(() => credentialsOf(loadS3({ ...rest, ...empty }))).toThrow('is empty');
  const missing = { ...files, TRIKD_STORE__SECRET_KEY_FILE: '/nowhere' };
  expect(() => credentialsOf(loadS3({ ...rest, ...missing }))).toThrow('cannot read a credential of the store: ENOENT');
});

test('a secret is shown nowhere: not with the configuration, not by what goes wrong', async () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'trace' }, 'test', { write: (line: string) => void lines.push(line) });
  const config = loadS3({ ...s3, TRIKD_STORE__ENDPOINT: await nobody() });
  log.info({ config }, 'started');
  lines.push(JSON.stringify(config), `${config.secretKey}`, inspect(config, { depth: 9 }));
  for (const change of [
    { TRIKD_STORE__BUCKT: 'x' },
    { TRIKD_STORE__ENDPOINT: 'x' },
    { TRIKD_STORE__SECRET_KEY_FILE: '/x' },
  ]) {
    try {
      load({ ...s3, ...change });
    } catch (error) {
      log.error({ err: error }, 'refused');
    }
  }
  const error = await openStore(config, {
    clock: { now: () => 0, sleep: async () => undefined },
    random: () => 0,
  }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TrikdError);
  log.error({ err: error, details: error instanceof TrikdError && error.details }, 'store');
  lines.push(inspect(error, { depth: 9 }));
  expect(lines).toHaveLength(9);
  expect(lines.join('\n')).toContain('nobody listens there');
  expect(lines.join('\n')).not.toContain(CANARY);
});
