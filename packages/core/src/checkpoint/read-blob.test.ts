import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import type { ObjectStore } from '../domain/object-store.js';
import { saveParams } from './blobs.js';
import { PART_BYTES, readBlob } from './read-blob.js';

/** A store with a blob that takes three reads. */
async function largeBlob() {
  const store = memoryStore();
  const data = Float32Array.from({ length: (2.5 * PART_BYTES) / 4 }, (_, at) => at);
  const params = new Map([['w', { dtype: 'float32' as const, shape: [data.length], data }]]);
  const blob = await saveParams(store, 'runs/reef/blobs/0.1/', params);
  return { store, blob, whole: (await store.get(blob.key))!.bytes };
}

/** The size, and the bytes together. */
async function readAll(store: Pick<ObjectStore, 'size' | 'part'>, key: string, offset = 0, length = 0) {
  const parts: Uint8Array[] = [];
  let size: number | undefined;
  for await (const item of readBlob(store, 'reef', key, { offset, length })) {
    if ('size' in item) size = item.size;
    else parts.push(item.bytes);
  }
  return { size, pieces: parts.length, bytes: Buffer.concat(parts) };
}

test('a blob is read in pieces, whole or from any offset, as far as it goes', async () => {
  const { store, blob, whole } = await largeBlob();
  const { size, pieces, bytes } = await readAll(store, blob.key);
  expect([size, pieces]).toEqual([blob.bytes, 3]);
  expect(Buffer.compare(bytes, whole)).toBe(0);
  expect((await readAll(store, blob.key, 10, 5)).bytes).toEqual(Buffer.from(whole.subarray(10, 15)));
  expect((await readAll(store, blob.key, blob.bytes - 3, 100)).bytes).toEqual(Buffer.from(whole.subarray(-3)));
  expect(await readAll(store, blob.key, blob.bytes)).toMatchObject({ size: blob.bytes, pieces: 0 });
});

test('of a whole blob that is damaged the last piece is withheld', async () => {
  const { store, blob, whole } = await largeBlob();
  await store.put(
    blob.key,
    Uint8Array.from(whole, (byte, at) => (at === 7 ? byte ^ 1 : byte)),
  );
  const pieces: number[] = [];
  const read = async () => {
    for await (const item of readBlob(store, 'reef', blob.key, { offset: 0, length: 0 })) {
      if ('bytes' in item) pieces.push(item.bytes.length);
    }
  };
  await expect(read()).rejects.toMatchObject({ kind: 'corrupt' });
  expect(pieces).toEqual([PART_BYTES, PART_BYTES]);
});

test('a blob that is removed while it is read is an error, not a short file', async () => {
  const { store, blob } = await largeBlob();
  const removing = {
    ...store,
    part: async (...range: Parameters<typeof store.part>) => {
      const bytes = await store.part(...range);
      await store.remove(blob.key);
      return bytes;
    },
  };
  await expect(readAll(removing, blob.key)).rejects.toMatchObject({ kind: 'corrupt' });
});

test.each([
  'runs/other/blobs/0.1/DIGEST.safetensors',
  'runs/reef/state.json',
  'runs/reef/blobs/../blobs/0.1/DIGEST.safetensors',
  'runs/reef/blobs/0.1/DIGEST.safetensors/more',
  'DIGEST',
  '',
])('the key %j is none of a blob of the run, and is not looked up', async (key) => {
  const closed = { size: () => Promise.reject(new Error('looked up')), part: () => Promise.reject(new Error('read')) };
  const named = key.replace('DIGEST', 'a'.repeat(64));
  await expect(readAll(closed, named)).rejects.toMatchObject({ kind: 'invalid' });
});

test('a blob that does not exist is not found', async () => {
  const key = `runs/reef/blobs/0.1/${'a'.repeat(64)}.safetensors`;
  await expect(readAll(memoryStore(), key)).rejects.toMatchObject({ kind: 'not-found' });
});
