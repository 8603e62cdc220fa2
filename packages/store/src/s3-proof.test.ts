import { systemClock } from '@trikd/process/system-clock';
import { type FakeS3Options, fakeS3 } from '@trikd/testing/stores/fake-s3';
import { expect, test } from 'vitest';
import { s3Error } from './s3-error.js';
import { proveConditionalWrites } from './s3-proof.js';
import { s3Store } from './s3-store.js';

async function prove(options: FakeS3Options = {}) {
  const api = fakeS3(options);
  const store = s3Store(api, { clock: systemClock, random: () => 0, writer: 'w' });
  await proveConditionalWrites(api, store, 'n').finally(async () => {
    expect(await api.list('')).toEqual([]);
  });
}

test('a store that keeps its promises passes, and nothing is left in it', () => prove());

test.each([
  ['If-None-Match', 'of 32 writers that create one object one must win, 32 did'],
  ['If-Match', 'of 32 writers that replace one version one must win, 32 did'],
  ['If-Match on nothing', 'what is not there must not be replaced, it was'],
  ['notes', 'user metadata must be kept with an object, it was not'],
] as const)('a store that breaks %s is refused by name, and nothing is left in it', async (promise, sentence) => {
  await expect(prove({ breaks: [promise] })).rejects.toMatchObject({
    kind: 'wrong-state',
    message: `store http://fake:9000/bucket is not safe to use: ${sentence}`,
  });
});

test('a store that cannot be used says so to one request', async () => {
  let requests = 0;
  const denied = () => {
    requests += 1;
    throw s3Error('http://fake:9000/bucket', Object.assign(new Error(), { code: 'AccessDenied' }));
  };
  const api = fakeS3({ onRequest: denied });
  const store = s3Store(api, { clock: systemClock, random: () => 0, writer: 'w' });
  await expect(proveConditionalWrites(api, store, 'n')).rejects.toMatchObject({
    kind: 'unavailable',
    message: 'store http://fake:9000/bucket: access is denied to these credentials (AccessDenied)',
  });
  expect(requests).toBe(1);
});
