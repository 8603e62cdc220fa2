import { memoryStore } from '@trikd/testing/stores/memory-store';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostTensor, Params } from '../models/params.js';
import { assertParamsMatch, blobsFolder, isRunBlob, loadParams, paramsDigest, saveParams } from './blobs.js';

const folder = blobsFolder({ runId: 'r', generation: 1, attempt: 12 });

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
