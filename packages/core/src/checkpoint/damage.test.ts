import {
  type CheckpointObject,
  type RealCheckpoint,
  readBlob,
  realCheckpoint,
  storeBlob,
} from '@trikd/testing/training/real-checkpoint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import type { HostTensor, Params } from '../models/params.js';
import { encodeManifest, type PairManifest } from './manifest.js';
import { encodeSafetensors } from './safetensors.js';

const inherited = Object.getOwnPropertyNames(Object.prototype);
let real: RealCheckpoint;
let objects: readonly CheckpointObject[];
const counts: string[] = [];
let slowest = 0;

beforeAll(async () => {
  real = await realCheckpoint();
  objects = [real.manifestObject, ...real.blobs];
});

afterAll(() => {
  const bytes = objects.reduce((sum, one) => sum + one.bytes.length, 0);
  console.log(
    `damage: ${counts.join(', ')}: all refused (${objects.length} objects of ${bytes} bytes, the slowest took ${slowest.toFixed(1)} ms)`,
  );
});

/** The kind of error that a reading ends with. Anything but a refusal by name fails the test. */
async function refusal(read: () => Promise<unknown>): Promise<string> {
  const began = performance.now();
  try {
    await read();
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    return error.kind;
  } finally {
    slowest = Math.max(slowest, performance.now() - began);
  }
  return 'accepted';
}

/** What reading an object ends with while it holds other bytes. */
async function refusalOf(object: CheckpointObject, damaged: Uint8Array): Promise<string> {
  await real.store.put(object.key, damaged);
  const kind = await refusal(object.read);
  await real.store.put(object.key, object.bytes);
  return kind;
}

/** Counts what cases end with, and keeps the sum for the last line. */
async function tally(what: string, cases: Iterable<() => Promise<string>>): Promise<Record<string, number>> {
  const kinds: Record<string, number> = {};
  let count = 0;
  for (const one of cases) {
    const kind = await one();
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    count += 1;
  }
  counts.push(`${count} ${what}`);
  return kinds;
}

/** `count` numbers below `end`, spread evenly, of both parities. */
function spread(count: number, end: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.floor(((index + 0.5) * end) / count));
}

/** The object that a byte of all of them, laid end to end, belongs to, and where it is in there. */
function locate(address: number): readonly [CheckpointObject, number] {
  let begin = 0;
  for (const object of objects) {
    if (address < begin + object.bytes.length) return [object, address - begin];
    begin += object.bytes.length;
  }
  throw new RangeError(`no object has byte ${address}`);
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

const totalBytes = () => objects.reduce((sum, { bytes }) => sum + bytes.length, 0);

describe('a checkpoint of a run', () => {
  test('is read by those who resume from it and by the anchor', async () => {
    for (const object of objects) await expect(object.read()).resolves.toBeDefined();
    expect(objects.map(({ name }) => name)).toEqual([
      'pair manifest',
      'state of the teacher',
      'best params of the teacher',
      'state of the student',
      'best params of the student',
    ]);
  });

  test('is refused as corrupt with any of 10,000 bits flipped', async () => {
    const cases = spread(10_000, 8 * totalBytes()).map((address) => async () => {
      const [object, offset] = locate(address >> 3);
      return refusalOf(object, flipped(object.bytes, 8 * offset + (address & 7)));
    });
    expect(await tally('flips', cases)).toEqual({ corrupt: 10_000 });
  });

  test('is refused as corrupt when cut at any of 1,000 bytes', async () => {
    const cases = spread(1000, totalBytes()).map((address) => async () => {
      const [object, end] = locate(address);
      return refusalOf(object, object.bytes.subarray(0, end));
    });
    expect(await tally('truncations', cases)).toEqual({ corrupt: 1000 });
  });

  test('is refused with any bit of a header flipped, even if the digest is that of the flipped bytes', async () => {
    const cases = real.blobs.flatMap((one) =>
      spread(500, 8 * headerBytes(one)).map((bit) => async () => {
        const blob = await storeBlob(real.store, flipped(one.bytes, bit));
        const kind = await refusal(() => readBlob(real.store, blob, one.fit));
        await real.store.remove(blob.key);
        return kind;
      }),
    );
    expect(Object.keys(await tally('flips in headers under right digests', cases)).sort()).toEqual([
      'corrupt',
      'invalid',
    ]);
  });
});

/** The length of the header and of the number before it. */
function headerBytes({ bytes }: CheckpointObject): number {
  return 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

describe('what belongs elsewhere is refused as corrupt', () => {
  const digestOf = (number: number) => number.toString(16).padStart(64, '0');

  test('manifests at the key of another', async () => {
    const { manifest, manifestObject } = real;
    const shift = (by: number): readonly PairManifest[] => [
      { ...manifest, runId: `${manifest.runId}${by}` },
      { ...manifest, stage: manifest.stage + by },
      { ...manifest, attempt: manifest.attempt + by },
      { ...manifest, step: manifest.step + by },
      ...(['specDigest', 'datasetDigest'] as const).map((name) => ({ ...manifest, [name]: digestOf(by) })),
      { ...manifest, frozen: { anchor: digestOf(by) } },
    ];
    const strangers = [
      { ...manifest, frozen: {} },
      ...Array.from({ length: 30 }, (_, index) => shift(index + 1)).flat(),
    ];
    const cases = strangers.map((stranger) => () => refusalOf(manifestObject, encodeManifest(stranger)));
    expect(await tally('swapped manifests', cases)).toEqual({ corrupt: strangers.length });
  });

  test('blobs of another step, role or purpose, in the store and in the manifest', async () => {
    const { manifestObject, blobs, others } = real;
    const text = Buffer.from(manifestObject.bytes).toString();
    const cases = blobs.flatMap((one) =>
      [...blobs.filter(({ key }) => key !== one.key).map(({ blob }) => blob), ...others].flatMap((other) => [
        async () => refusalOf(one, (await real.store.get(other.key))?.bytes ?? new Uint8Array()),
        () => refusal(() => readBlob(real.store, { ...one.blob, key: other.key }, one.fit)),
        () => refusal(() => readBlob(real.store, { ...other, key: one.key }, one.fit)),
        () => refusalOf(manifestObject, Buffer.from(text.replaceAll(one.blob.sha256, other.sha256))),
        () => refusalOf(manifestObject, Buffer.from(text.replaceAll(one.key, other.key))),
      ]),
    );
    const kinds = await tally('swapped blobs', cases);
    expect(Object.keys(kinds)).toEqual(['corrupt']);
  });
});

describe('params that are not what the models of the spec compute with are refused, sound as the file is', () => {
  test('as invalid with a tensor that is missing, extra, of another name, shape or type', async () => {
    const cases = real.blobs.flatMap((one) =>
      [...one.params].flatMap(([name, tensor]) =>
        misfits(one.params, name, tensor).map((params) => async () => {
          const blob = await storeBlob(real.store, encodeSafetensors(params));
          return refusal(() => readBlob(real.store, blob, one.fit));
        }),
      ),
    );
    expect(await tally('wrong shapes', cases)).toEqual({ invalid: cases.length });
    expect(cases.length).toBeGreaterThanOrEqual(500);
  });

  test('as corrupt with a number that is not finite, wherever it is', async () => {
    const cases = real.blobs.flatMap((one) =>
      [...one.params].flatMap(([name, tensor]) =>
        [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value) => async () => {
          const data = Float32Array.from(tensor.data);
          data[data.length >> 1] = value;
          const params = new Map([...one.params, [name, { ...tensor, data }]]);
          const blob = await storeBlob(real.store, encodeSafetensors(params));
          return refusal(() => readBlob(real.store, blob, one.fit));
        }),
      ),
    );
    expect(Object.keys(await tally('non-finite values', cases))).toEqual(['corrupt']);
  });
});

/** Params that differ in one tensor from those of a blob. */
function misfits(params: Params, name: string, tensor: HostTensor): readonly Params[] {
  const { shape, data } = tensor;
  const shapes = [
    [1, ...shape],
    [...shape, 1],
    [1, data.length, 1],
    [data.length, 1, 1, 1, 1],
    [1, 1, 1, 1, 1, data.length],
  ];
  const types: readonly HostTensor[] = [
    { dtype: 'int32', shape, data: new Int32Array(data.length) },
    { dtype: 'uint8', shape, data: new Uint8Array(data.length) },
  ];
  const others = [`${name}_`, name.toUpperCase(), `model/${name}`];
  const instead: readonly (readonly [string, HostTensor])[] = [
    ...shapes.map((other) => [name, { ...tensor, shape: other }] as const),
    ...types.map((other) => [name, other] as const),
    ...others.map((other) => [other, tensor] as const),
  ];
  const without = [...params].filter(([other]) => other !== name);
  return [without, [...params, [`${name}_`, tensor] as const], ...instead.map((one) => [...without, one])].map(
    (tensors) => new Map(tensors),
  );
}

test('reading all that has given no property to every object', () => {
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(inherited);
});
