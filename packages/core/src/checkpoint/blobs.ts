import { createHash, hash } from 'node:crypto';
import type { TensorSpec } from '@trikd/engine';
import { TrikdError } from '../domain/errors.js';
import type { ObjectStore } from '../domain/object-store.js';
import type { StageAttempt } from '../domain/position.js';
import type { Blob } from '../domain/role-checkpoint.js';
import type { Params } from '../models/params.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';
import { describeTensor } from './tensor-types.js';

/**
 * Key prefix of all blobs that an attempt writes. Each attempt has its own, so garbage collection of older attempts
 * never meets a blob that is being written.
 */
export function blobsFolder({ runId, stage, attempt }: StageAttempt): string {
  return `runs/${runId}/blobs/${stage}.${attempt}/`;
}

/** Whether an attempt of the run could have stored the blob: its key is in the run's folder and names its content. */
export function isRunBlob({ key, sha256, bytes }: Blob, runId: string): boolean {
  return Number.isSafeInteger(bytes) && bytes >= 1 && blobAt(key, runId) === sha256;
}

/** The SHA-256 that the key of a blob of a run names; undefined for a key that no attempt of the run could have written. */
export function blobAt(key: string, runId: string): string | undefined {
  const folder = `runs/${runId}/blobs/`;
  if (!key.startsWith(folder)) return undefined;
  return /^\d{1,10}\.\d{1,10}\/([0-9a-f]{64})\.safetensors$/.exec(key.slice(folder.length))?.[1];
}

/** SHA-256, hex, of the encoding of params without metadata: equal exactly if all names, shapes and bits are equal. */
export function paramsDigest(params: Params): string {
  return hash('sha256', encodeSafetensors(params));
}

/**
 * Stores params in a folder under the digest of their encoding. Storing the same params again changes nothing.
 * @param folder as `blobsFolder` returns it
 */
export async function saveParams(
  store: ObjectStore,
  folder: string,
  params: Params,
  metadata?: Readonly<Record<string, string>>,
): Promise<Blob> {
  const bytes = encodeSafetensors(params, metadata);
  const sha256 = hash('sha256', bytes);
  const key = `${folder}${sha256}.safetensors`;
  await store.put(key, bytes);
  return { key, sha256, bytes: bytes.length };
}

/**
 * Loads params and returns them only if length, digest, structure and finiteness hold. Blobs are named by manifests,
 * which are written last, so an absent blob was lost.
 * @throws TrikdError 'corrupt' if the blob is absent or not what the manifest says
 */
export async function loadParams(store: ObjectStore, blob: Blob): Promise<Params> {
  const size = await store.size(blob.key);
  // A blob of another size is not read: it could fill the memory.
  if (size !== undefined && size !== blob.bytes) throw corrupt(blob, `expected ${blob.bytes} bytes, found ${size}`);
  const object = await store.get(blob.key);
  if (!object) throw corrupt(blob, 'it is gone');
  const sha256 = hash('sha256', object.bytes);
  if (sha256 !== blob.sha256) throw corrupt(blob, `expected SHA-256 ${blob.sha256}, found ${sha256}`);
  const { params } = decodeSafetensors(object.bytes);
  for (const [name, { data }] of params) {
    const place = data.findIndex((value) => !Number.isFinite(value));
    if (place !== -1) throw corrupt(blob, `tensor ${name} is ${data[place]} at element ${place}`);
  }
  return params;
}

/**
 * Compares params with what the reader's own spec expects.
 * @param what names the params in the message, such as 'params of the anchor'
 * @throws TrikdError 'invalid' that names every tensor that is missing, unexpected, or of another type or shape
 */
export function assertParamsMatch(params: Params, expected: ReadonlyMap<string, TensorSpec>, what: string): void {
  const missing = [...expected.keys()].filter((name) => !params.has(name));
  const extra = [...params.keys()].filter((name) => !expected.has(name));
  const different = [...expected].flatMap(([name, spec]) => {
    const tensor = params.get(name);
    if (!tensor || describeTensor(tensor) === describeTensor(spec)) return [];
    return [`${name} is ${describeTensor(tensor)} instead of ${describeTensor(spec)}`];
  });
  const problems = [
    ...named('missing', missing),
    ...named('not expected', extra),
    ...named('of another type or shape', different),
  ];
  if (problems.length > 0) {
    throw new TrikdError('invalid', `${what} do not fit the model: ${problems.join('; ')}`, {
      missing,
      extra,
      different,
    });
  }
}

/** The error's details list all of them; the message names the first few. */
function named(problem: string, list: readonly string[]): readonly string[] {
  if (list.length === 0) return [];
  const more = list.length > 5 ? ` and ${list.length - 5} more` : '';
  return [`${list.length} ${problem} (${list.slice(0, 5).join(', ')}${more})`];
}

function corrupt(blob: Blob, problem: string): TrikdError {
  return new TrikdError('corrupt', `blob ${blob.key}: ${problem}`, { key: blob.key });
}

/** A part of a blob that is wanted. */
export interface BlobRange {
  /** In bytes, from 0. */
  readonly offset: number;
  /** In bytes; 0: all that follows. */
  readonly length: number;
}

/** The size of a whole blob, which comes first, or a piece of it. */
export type BlobItem = { readonly size: number } | { readonly bytes: Uint8Array };

/** Bytes that are read at once. */
export const PART_BYTES = 1024 * 1024;

/**
 * Reads a part of a blob of a run, piece by piece, so that a large one costs the memory of one piece. The first item is the size of the whole
 * blob, and the others are its bytes; there are none beyond its end. Of a blob that is read as a whole and is not what its name says, the
 * last piece is withheld.
 * @param key as `blobsFolder` and the digest make it
 * @throws TrikdError 'invalid' for a key that no attempt of the run could have written, 'not-found' if there is no such blob, 'corrupt' if it
 * is damaged or removed meanwhile
 */
export async function* readBlob(
  store: Pick<ObjectStore, 'size' | 'part'>,
  runId: string,
  key: string,
  { offset, length }: BlobRange,
): AsyncGenerator<BlobItem, void, undefined> {
  const sha256 = blobAt(key, runId);
  if (sha256 === undefined) {
    throw new TrikdError('invalid', `${JSON.stringify(key.slice(0, LONGEST_KEY))} is no blob of the run ${runId}`);
  }
  const size = await store.size(key);
  if (size === undefined) throw new TrikdError('not-found', `there is no blob ${key}; its checkpoint may be removed`);
  yield { size };
  const end = length === 0 ? size : Math.min(size, offset + length);
  const digest = offset === 0 && end === size ? createHash('sha256') : undefined;
  for (let at = offset; at < end; ) {
    const bytes = await store.part(key, at, Math.min(PART_BYTES, end - at));
    if (!bytes || bytes.length === 0) throw corruptBlob(key, 'it is gone');
    at += bytes.length;
    digest?.update(bytes);
    if (at >= end) assertDigest({ key, sha256 }, digest?.digest('hex'));
    yield { bytes };
  }
}

/** Characters of a refused key in a message. */
const LONGEST_KEY = 200;

function assertDigest({ key, sha256 }: Pick<Blob, 'key' | 'sha256'>, found: string | undefined): void {
  if (found === undefined || found === sha256) return;
  throw corruptBlob(key, `expected SHA-256 ${sha256}, found ${found}`);
}

function corruptBlob(key: string, problem: string): TrikdError {
  return new TrikdError('corrupt', `blob ${key}: ${problem}`, { key });
}
