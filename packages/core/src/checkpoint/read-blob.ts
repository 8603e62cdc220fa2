import { createHash } from 'node:crypto';
import type { Blob } from '../domain/blob.js';
import { TrikdError } from '../domain/errors.js';
import type { ObjectStore } from '../domain/object-store.js';
import { blobAt } from './blobs.js';

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
    if (!bytes || bytes.length === 0) throw corrupt(key, 'it is gone');
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
  throw corrupt(key, `expected SHA-256 ${sha256}, found ${found}`);
}

function corrupt(key: string, problem: string): TrikdError {
  return new TrikdError('corrupt', `blob ${key}: ${problem}`, { key });
}
