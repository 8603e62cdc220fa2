import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { loadManifest } from './load-manifest.js';
import { encodeManifest, MANIFEST_VERSION, manifestKey, type PairManifest } from './manifest.js';

const blob = { key: 'blobs/a.safetensors', sha256: 'a'.repeat(64), bytes: 12 };
const manifest: PairManifest = {
  version: MANIFEST_VERSION,
  runId: 'tiny',
  generation: 1,
  attempt: 2,
  step: 30,
  specDigest: 'b'.repeat(64),
  datasetDigest: 'c'.repeat(64),
  frozen: { anchor: 'd'.repeat(64) },
  learners: { teacher: { state: blob }, student: { state: blob } },
  writer: 'orchestrator-1',
};
const key = manifestKey(manifest);
const expected: Parameters<typeof loadManifest>[2] = manifest;

async function loadFrom(bytes: Uint8Array | undefined, wanted = expected) {
  const store = memoryStore();
  if (bytes) await store.put(key, bytes);
  return loadManifest(store, key, wanted);
}

test('a manifest is loaded when it is the one that was expected', async () => {
  expect(await loadFrom(encodeManifest(manifest))).toEqual(manifest);
  expect(await loadFrom(encodeManifest(manifest), { ...expected, datasetDigest: undefined })).toEqual(manifest);
});

test.each([
  ['runId', { runId: 'other' }],
  ['generation', { generation: 2 }],
  ['step', { step: 40 }],
  ['attempt', { attempt: 3 }],
])('one of another %s lies at a key that is not its own', async (_field, changed) => {
  const other = { ...manifest, ...changed };
  await expect(loadFrom(encodeManifest(other))).rejects.toMatchObject({
    kind: 'corrupt',
    message: `manifest of ${manifestKey(other)} lies at ${key}`,
  });
});

test.each([
  ['generation', { generation: 2 }, 'generation 1, expected 2'],
  ['specDigest', { specDigest: 'e'.repeat(64) }, `specDigest ${'b'.repeat(64)}, expected ${'e'.repeat(64)}`],
  ['datasetDigest', { datasetDigest: 'e'.repeat(64) }, `datasetDigest ${'c'.repeat(64)}, expected ${'e'.repeat(64)}`],
  ['anchor', { frozen: { anchor: 'e'.repeat(64) } }, `anchor ${'d'.repeat(64)}, expected ${'e'.repeat(64)}`],
  ['set of frozen models', { frozen: {} }, `anchor ${'d'.repeat(64)}, expected none`],
  [
    ...(['set of frozen models, with one more', { frozen: { ...manifest.frozen, teacher: 'e'.repeat(64) } }] as const),
    `teacher none, expected ${'e'.repeat(64)}`,
  ],
])('one of another %s than the reader expects is refused with both', async (_field, changed, problem) => {
  await expect(loadFrom(encodeManifest(manifest), { ...expected, ...changed })).rejects.toMatchObject({
    kind: 'corrupt',
    message: `the manifest ${key} has ${problem}`,
  });
});

test('one that is absent was lost', async () => {
  await expect(loadFrom(undefined)).rejects.toMatchObject({ kind: 'corrupt', message: `the manifest ${key} is gone` });
});

test('an object larger than any manifest is not read', async () => {
  const store = { ...memoryStore(), size: async () => 2 ** 40, get: () => Promise.reject(new Error('it was read')) };
  await expect(loadManifest(store, key, expected)).rejects.toMatchObject({
    kind: 'corrupt',
    message: `the manifest ${key} has 1099511627776 bytes, at most 2097152 are allowed`,
  });
});
