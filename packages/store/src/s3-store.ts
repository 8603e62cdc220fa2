import { hash } from 'node:crypto';
import { TrikdError } from '@trikd/core/domain/errors';
import { isStoreKey, type ObjectStore } from '@trikd/core/domain/object-store';
import { type RetryPolicy, type RetrySources, retrying } from './retry.js';
import type { S3Api, S3Head } from './s3-api.js';
import { isPassing, oddAnswer } from './s3-error.js';

export interface S3StoreOptions extends RetrySources {
  /** Tells this store's writes from those of all others, past and present: letters, digits and `-`, at most 40. */
  readonly writer: string;
}

const MIB = 1024 * 1024;

/**
 * Largest body of `create` and `replace`. MinIO locks an object for as long as a conditional write takes to arrive, and even readers
 * of it then wait: what takes long is put under a name of its own, and a small object made to point at it.
 */
const MAX_CONDITIONAL_BYTES = MIB;
const LARGE_BYTES = MIB;

/** A server that restarts is back in about a second: that long, nobody needs to hear of it. */
const SMALL: RetryPolicy = { attempts: 5, withinMs: 15_000, firstMs: 200, maxMs: 2_000 };
/** To send a large object again costs more than to wait. */
const LARGE: RetryPolicy = { attempts: 6, withinMs: 25_000, firstMs: 500, maxMs: 5_000 };

/** Writes that an object remembers: those whose makers may still be asking whether they happened. */
const WRITES_KEPT = 16;

/**
 * A store in a bucket of S3.
 *
 * A conditional write goes out once in one piece, and its reply can be lost: then the object is looked at. Each write leaves a mark with
 * the object, unlike any other, and hands on the marks of the writes that it builds on; so one's own write is known even if another
 * has replaced it since. Equal bytes prove nothing: two writers may well write the same. A store that does not keep the marks
 * would call one's own success 'exists' or 'conflict' then; `proveConditionalWrites` refuses such a store.
 *
 * What is verified: that the stored bytes are those of `put`, by the MD5 that S3 answers with, or, where it answers with something
 * else, by their number. Not verified is what `get` brings beyond its length: readers of blobs compare the SHA-256 in their name.
 */
export function s3Store(api: S3Api, options: S3StoreOptions): ObjectStore {
  const { clock, random, writer } = options;
  let writes = 0;
  const patiently = <T>(policy: RetryPolicy, work: () => Promise<T>) =>
    retrying(policy, { clock, random }, isPassing, work);

  /** Whether the write happened. */
  const putIf = async (key: string, bytes: Uint8Array, expected: Expected): Promise<boolean> => {
    checkKey(key);
    checkSmall(key, bytes);
    writes += 1;
    const mark = `${writer}.${writes}`;
    const note = [mark, ...expected.marks].slice(0, WRITES_KEPT).join(' ');
    const onlyIf = expected.etag === undefined ? 'absent' : { etag: expected.etag };
    return patiently(SMALL, async () => {
      let lost: unknown;
      try {
        if ((await api.put(key, bytes, { onlyIf, note })) !== 'refused') return true;
      } catch (error) {
        if (!isPassing(error)) throw error;
        lost = error;
      }
      const now = await api.head(key);
      if (now && marksOf(now).includes(mark)) return true;
      if (now?.etag !== expected.etag) return false;
      // What is there is still what was expected: the write got lost on its way, or something that has gone since stood in it.
      throw lost ?? oddAnswer(api.place, `key ${key}: it refuses to write over what it was asked to write over`);
    });
  };

  return {
    get: async (key) => {
      checkKey(key);
      const object = await patiently(SMALL, () => api.get(key));
      return object && { bytes: object.bytes, version: versionOf(object) };
    },
    size: async (key) => {
      checkKey(key);
      return (await patiently(SMALL, () => api.head(key)))?.size;
    },
    put: async (key, bytes) => {
      checkKey(key);
      await patiently(bytes.byteLength > LARGE_BYTES ? LARGE : SMALL, () => putVerified(api, key, bytes));
    },
    create: async (key, bytes) => ((await putIf(key, bytes, ABSENT)) ? 'created' : 'exists'),
    replace: async (key, bytes, version) => ((await putIf(key, bytes, expectedOf(version))) ? 'replaced' : 'conflict'),
    list: async (prefix) => {
      const parent = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
      if (parent !== '') checkKey(parent);
      const keys = await patiently(SMALL, () => api.list(prefix));
      return keys.filter(isStoreKey).sort();
    },
    remove: async (key) => {
      checkKey(key);
      await patiently(SMALL, () => api.remove(key));
    },
  };
}

/** What a conditional write builds on: no object, or the one with this ETag. */
interface Expected {
  readonly etag: string | undefined;
  readonly marks: readonly string[];
}

const ABSENT: Expected = { etag: undefined, marks: [] };

/** A version is the ETag, which S3 compares, and the marks, which the next write hands on. */
function versionOf({ etag, note }: S3Head): string {
  return [etag, note].join(' ').trimEnd();
}

function expectedOf(version: string): Expected {
  const [etag = '', ...marks] = version.split(' ');
  return { etag, marks };
}

function marksOf({ note }: S3Head): readonly string[] {
  return note.split(' ');
}

async function putVerified(api: S3Api, key: string, bytes: Uint8Array): Promise<void> {
  const written = await api.put(key, bytes);
  if (written === 'refused') throw oddAnswer(api.place, `key ${key}: it refuses a write without a condition`);
  if (written.etag === hash('md5', bytes)) return;
  // The ETag of an object that is kept encrypted is another.
  const size = (await api.head(key))?.size;
  if (size !== bytes.byteLength) {
    throw oddAnswer(api.place, `key ${key}: it holds ${size ?? 'none'} of the ${bytes.byteLength} bytes written`);
  }
}

function checkKey(key: string): void {
  if (!isStoreKey(key)) throw new TrikdError('invalid', `${JSON.stringify(key)} is no key of a store`, { key });
}

function checkSmall(key: string, { byteLength }: Uint8Array): void {
  if (byteLength <= MAX_CONDITIONAL_BYTES) return;
  throw new TrikdError(
    'invalid',
    `key ${key}: ${byteLength} bytes are too many for a conditional write, which may have ${MAX_CONDITIONAL_BYTES}`,
    { key, bytes: byteLength },
  );
}
