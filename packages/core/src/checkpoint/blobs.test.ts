import { memoryStore } from '@trikd/testing/stores/memory-store';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ObjectStore } from '../domain/object-store.js';
import type { HostTensor, Params } from '../models/params.js';
import {
  assertParamsMatch,
  blobsFolder,
  isRunBlob,
  loadParams,
  PART_BYTES,
  paramsDigest,
  readBlob,
  saveParams,
} from './blobs.js';

const folder = blobsFolder({ runId: 'r', stage: 1, attempt: 12 });

function params(...values: readonly number[]): Params {
  return new Map<string, HostTensor>([
    ['dense/kernel', { dtype: 'float32', shape: [1, values.length], data: Float32Array.from(values) }],
    ['step', { dtype: 'int32', shape: [], data: Int32Array.of(3) }],
  ]);
}

test('params are loaded as they were saved, under the digest of their encoding', async () => {
  const store = memoryStore();
  const blob = await saveParams(store, folder, params(1, 2, 3), { role: 'student' });
  expect(blob.key).toBe(`runs/r/blobs/1.12/${blob.sha256}.safetensors`);
  expect(await loadParams(store, blob)).toEqual(params(1, 2, 3));
});

test('saving the same params again gives the same blob and one object', async () => {
  const store = memoryStore();
  expect(await saveParams(store, folder, params(1))).toEqual(await saveParams(store, folder, params(1)));
  expect(await store.list('')).toHaveLength(1);
});

test('paramsDigest is the digest of the blob saved without metadata, and changes with one bit', async () => {
  expect(paramsDigest(params(0))).toBe((await saveParams(memoryStore(), folder, params(0))).sha256);
  expect(paramsDigest(params(0))).not.toBe(paramsDigest(params(-0)));
});

test('a blob cut at any byte, or with any bit changed, is refused as corrupt', async () => {
  const store = memoryStore();
  const blob = await saveParams(store, folder, params(1, 2));
  const whole = (await store.get(blob.key))!.bytes;
  const spoilt = fc.oneof(
    fc.nat(blob.bytes - 1).map((end) => whole.subarray(0, end)),
    fc.nat(blob.bytes * 8 - 1).map((bit) => whole.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))),
  );
  await fc.assert(
    fc.asyncProperty(spoilt, async (bytes) => {
      await store.put(blob.key, bytes);
      await expect(loadParams(store, blob)).rejects.toMatchObject({ kind: 'corrupt' });
    }),
  );
});

test('blobs with swapped digests are refused, though each is sound', async () => {
  const store = memoryStore();
  const [a, b] = [await saveParams(store, folder, params(1)), await saveParams(store, folder, params(2))];
  await expect(loadParams(store, { ...a, sha256: b.sha256 })).rejects.toThrow(`expected SHA-256 ${b.sha256}, found`);
  await expect(loadParams(store, { ...a, key: b.key })).rejects.toMatchObject({ kind: 'corrupt' });
});

test('a blob of another length is refused with both lengths, and is not read', async () => {
  const store = memoryStore();
  const blob = await saveParams(store, folder, params(1));
  const closed = { ...store, get: () => Promise.reject(new Error('it was read')) };
  await expect(loadParams(closed, { ...blob, bytes: blob.bytes + 1 })).rejects.toMatchObject({
    kind: 'corrupt',
    message: `blob ${blob.key}: expected ${blob.bytes + 1} bytes, found ${blob.bytes}`,
  });
});

test('an absent blob is as bad as a damaged one', async () => {
  const blob = await saveParams(memoryStore(), folder, params(1));
  await expect(loadParams(memoryStore(), blob)).rejects.toMatchObject({
    kind: 'corrupt',
    message: `blob ${blob.key}: it is gone`,
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])(
  'params that hold %d are refused by tensor and element',
  async (value) => {
    const store = memoryStore();
    const blob = await saveParams(store, folder, params(1, value));
    await expect(loadParams(store, blob)).rejects.toThrow(`tensor dense/kernel is ${value} at element 1`);
  },
);

describe('params that do not fit the model', () => {
  const expected = new Map([
    ['dense/kernel', { dtype: 'float32', shape: [1, 2] }],
    ['step', { dtype: 'int32', shape: [] }],
  ] as const);
  const kernel: HostTensor = { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) };
  const step: HostTensor = { dtype: 'int32', shape: [], data: Int32Array.of(3) };

  test('are none when names, types and shapes agree', () => {
    expect(() => assertParamsMatch(params(1, 2), expected, 'params')).not.toThrow();
  });

  test.each<[string, readonly [string, HostTensor][], string]>([
    ['missing', [['dense/kernel', kernel]], '1 missing (step)'],
    ['extra', [...params(1, 2), ['bias', kernel]], '1 not expected (bias)'],
    [
      'of another shape',
      [...params(1)],
      '1 of another type or shape (dense/kernel is float32[1,1] instead of float32[1,2])',
    ],
    [
      'of another type',
      [
        ['dense/kernel', kernel],
        ['step', { ...step, dtype: 'uint8' }],
      ],
      '1 of another type or shape (step is uint8[] instead of int32[])',
    ],
  ])('are named when %s', (_what, tensors, problem) => {
    const comparing = () => assertParamsMatch(new Map(tensors), expected, 'params of the anchor');
    expect(comparing).toThrow(`params of the anchor do not fit the model: ${problem}`);
    expect(comparing).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  test('are all in the details when the sentence has room for five', () => {
    const many = new Map(Array.from({ length: 8 }, (_, i) => [`layer${i}`, { dtype: 'float32', shape: [] }] as const));
    const comparing = () => assertParamsMatch(new Map(), many, 'params');
    expect(comparing).toThrow('8 missing (layer0, layer1, layer2, layer3, layer4 and 3 more)');
    expect(comparing).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ missing: [...many.keys()] }) }),
    );
  });
});

describe('a blob', () => {
  const sha256 = 'a'.repeat(64);
  const own = { key: `${folder}${sha256}.safetensors`, sha256, bytes: 8 };

  test('is of its run if its key names its content', () => {
    expect(isRunBlob(own, 'r')).toBe(true);
  });

  test.each([
    ['another run', { ...own, key: own.key.replace('runs/r/', 'runs/other/') }],
    ['a run whose name begins alike', { ...own, key: own.key.replace('runs/r/', 'runs/r-2/') }],
    ['the state of the run', { ...own, key: 'runs/r/state.json' }],
    ['another content', { ...own, sha256: 'b'.repeat(64) }],
    ['a digest in capitals', { ...own, sha256: sha256.toUpperCase() }],
    ['a path out of the folder', { ...own, key: `runs/r/blobs/../blobs/${sha256}.safetensors` }],
    ['a folder below', { ...own, key: `${folder}x/${sha256}.safetensors` }],
    ['no folder of an attempt', { ...own, key: `runs/r/blobs/${sha256}.safetensors` }],
    ['no bytes', { ...own, bytes: 0 }],
  ])('of %s is not', (_what, blob) => {
    expect(isRunBlob(blob, 'r')).toBe(false);
  });
});

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
