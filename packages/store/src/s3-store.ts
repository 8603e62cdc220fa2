import { hash } from 'node:crypto';
import { TrikdError } from '@trikd/core/domain/errors';
import { isStoreKey, type ObjectStore } from '@trikd/core/domain/object-store';
import { type RetryPolicy, type RetrySources, retry } from './retrying-store.js';
import { isTransient, type S3Api, type S3Head, unexpectedResponse } from './s3-api.js';

export interface S3StoreOptions extends RetrySources {
  /** Identifies the writes of this store, uniquely for all time: letters, digits and `-`, at most 40 characters. */
  readonly writer: string;
}

const MIB = 1024 * 1024;

/**
 * Largest body of `create` and `replace`. MinIO locks an object, also for readers, while a conditional write is received:
 * store a large object under a name of its own, and write a small one that refers to it.
 */
const MAX_CONDITIONAL_BYTES = 2 * MIB;
const LARGE_BYTES = MIB;

/** Covers a server that restarts, in about a second. */
const SMALL: RetryPolicy = { attempts: 5, withinMs: 15_000, firstMs: 200, maxMs: 2_000 };
/** Pauses longer: sending a large object again costs more than waiting. */
const LARGE: RetryPolicy = { attempts: 6, withinMs: 25_000, firstMs: 500, maxMs: 5_000 };

/** Marks that an object carries: of writes whose outcome may still be unknown to their writers. */
const MAX_MARKS = 16;

/**
 * A store in an S3 bucket.
 *
 * The response to a conditional write can be lost; the store then looks at the object. Each write stores a unique mark with
 * the object, together with the marks of the writes that it builds on, so that a writer recognises its own write even
 * after another one has replaced it. Equal bytes would prove nothing, since two writers may write the same. A server that
 * does not keep the marks would report one's own success as 'exists' or 'conflict'; `proveConditionalWrites` rejects it.
 *
 * `put` verifies the stored bytes by the MD5 in the response or, if the ETag is not an MD5, by their number. `get` verifies
 * only the length: readers of blobs compare the SHA-256 in their name.
 */
export function s3Store(api: S3Api, options: S3StoreOptions): ObjectStore {
  const { clock, random, writer } = options;
  let writes = 0;
  const retrying = <T>(policy: RetryPolicy, work: () => Promise<T>) =>
    retry(policy, { clock, random }, isTransient, work);

  /** Whether the write took effect. */
  const putIf = async (key: string, bytes: Uint8Array, expected: Expected): Promise<boolean> => {
    checkKey(key);
    checkSmall(key, bytes);
    writes += 1;
    const mark = `${writer}.${writes}`;
    const note = [mark, ...expected.marks].slice(0, MAX_MARKS).join(' ');
    const onlyIf = expected.etag === undefined ? 'absent' : { etag: expected.etag };
    return retrying(SMALL, async () => {
      let lost: unknown;
      try {
        if ((await api.put(key, bytes, { onlyIf, note })) !== 'refused') return true;
      } catch (error) {
        if (!isTransient(error)) throw error;
        lost = error;
      }
      const now = await api.head(key);
      if (now && marksOf(now).includes(mark)) return true;
      if (now?.etag !== expected.etag) return false;
      // The object is unchanged: the request was lost, or its condition failed because of an object that is gone again.
      throw lost ?? unexpectedResponse(api.place, `key ${key}: it refused a write whose condition holds`);
    });
  };

  return {
    get: async (key) => {
      checkKey(key);
      const object = await retrying(SMALL, () => api.get(key));
      return object && { bytes: object.bytes, version: versionOf(object) };
    },
    size: async (key) => {
      checkKey(key);
      return (await retrying(SMALL, () => api.head(key)))?.size;
    },
    part: async (key, offset, length) => {
      checkKey(key);
      return retrying(SMALL, () => api.part(key, offset, length));
    },
    put: async (key, bytes) => {
      checkKey(key);
      await retrying(bytes.byteLength > LARGE_BYTES ? LARGE : SMALL, () => putVerified(api, key, bytes));
    },
    create: async (key, bytes) => ((await putIf(key, bytes, ABSENT)) ? 'created' : 'exists'),
    replace: async (key, bytes, version) => ((await putIf(key, bytes, expectedOf(version))) ? 'replaced' : 'conflict'),
    list: async (prefix) => {
      const parent = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
      if (parent !== '') checkKey(parent);
      const keys = await retrying(SMALL, () => api.list(prefix));
      return keys.filter(isStoreKey).sort();
    },
    remove: async (key) => {
      checkKey(key);
      await retrying(SMALL, () => api.remove(key));
    },
  };
}

/** The condition of a write: no object, or the one with this ETag. */
interface Expected {
  readonly etag: string | undefined;
  readonly marks: readonly string[];
}

const ABSENT: Expected = { etag: undefined, marks: [] };

/** A version consists of the ETag, which S3 compares, and the marks, which the next write carries over. */
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
  if (written === 'refused') throw unexpectedResponse(api.place, `key ${key}: it refused an unconditional write`);
  if (written.etag === hash('md5', bytes)) return;
  // The ETag of an encrypted object is not its MD5.
  const size = (await api.head(key))?.size;
  if (size !== bytes.byteLength) {
    throw unexpectedResponse(api.place, `key ${key}: it stored ${size ?? 'none'} of the ${bytes.byteLength} bytes`);
  }
}

function checkKey(key: string): void {
  if (!isStoreKey(key)) throw new TrikdError('invalid', `${JSON.stringify(key)} is not a valid store key`, { key });
}

function checkSmall(key: string, { byteLength }: Uint8Array): void {
  if (byteLength <= MAX_CONDITIONAL_BYTES) return;
  throw new TrikdError(
    'invalid',
    `key ${key}: ${byteLength} bytes exceed the limit of ${MAX_CONDITIONAL_BYTES} for a conditional write`,
    { key, bytes: byteLength },
  );
}

const WRITERS = 32;

/**
 * Verifies, with temporary objects, that a store has the guarantees that everything else relies on. Some servers, and some
 * proxies in front of them, let several concurrent conditional writes succeed, ignore the condition, or drop user
 * metadata. Runs at the start of each process and sends about a hundred small requests.
 * @param store the store on `api`
 * @param name a globally unique part of a key
 * @throws TrikdError 'wrong-state' with the store and the guarantee that it lacks; 'unavailable' if it cannot be reached
 */
export async function proveConditionalWrites(api: S3Api, store: ObjectStore, name: string): Promise<void> {
  const key = `probe/${name}`;
  const nothing = `probe/${name}-nothing`;
  const check = (holds: boolean, guarantee: string, found: string) => {
    if (holds) return;
    throw new TrikdError('wrong-state', `store ${api.place} is not safe to use: ${guarantee}, ${found}`, {
      place: api.place,
    });
  };
  // One request first: if the store cannot be reached, dozens need not fail.
  check((await store.list(key)).length === 0, 'an object that was never written must not be listed', 'one was');
  try {
    const first = await race((text) => store.create(key, text), 'created');
    check(
      first.length === 1,
      `of ${WRITERS} writers that create one object exactly one must succeed`,
      `${first.length} did`,
    );
    const created = await store.get(key);
    check(
      textOf(created?.bytes) === first[0],
      'a read must return what was written',
      `it returned ${textOf(created?.bytes)}`,
    );
    const note = (await api.get(key))?.note;
    check(note !== undefined && note !== '', 'user metadata must be stored with an object', 'it was not');

    const version = created?.version ?? '';
    const second = await race((text) => store.replace(key, text, version), 'replaced');
    check(
      second.length === 1,
      `of ${WRITERS} writers that replace one version exactly one must succeed`,
      `${second.length} did`,
    );
    const replaced = textOf((await store.get(key))?.bytes);
    check(replaced === second[0], 'a read must return what was written', `it returned ${replaced}`);

    const outcome = await store.replace(nothing, bytesOf('nothing'), version);
    check(outcome === 'conflict', 'an object that does not exist must not be replaced', 'it was');
    const keys = await store.list(key);
    check(keys.includes(key), 'an object that was written must be listed', `${keys.length} others were`);
  } catch (error) {
    // The reason for the failure matters more than a few bytes left behind.
    await Promise.allSettled([store.remove(key), store.remove(nothing)]);
    throw error;
  }
  await store.remove(key);
}

/** The texts of the writers that succeeded. */
async function race(write: (bytes: Uint8Array) => Promise<string>, won: string): Promise<readonly string[]> {
  const texts = Array.from({ length: WRITERS }, (_, i) => `${won} by ${i}`);
  const outcomes = await Promise.all(texts.map((text) => write(bytesOf(text))));
  return texts.filter((_, i) => outcomes[i] === won);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes ? new TextDecoder().decode(bytes) : 'nothing';
}
