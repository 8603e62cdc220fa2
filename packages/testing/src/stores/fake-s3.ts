import { hash } from 'node:crypto';
import type { S3Api, S3Object } from '@trikd/store/s3-api';

export interface S3Request {
  readonly method: 'put' | 'get' | 'part' | 'head' | 'list' | 'remove';
  readonly key: string;
}

export interface FakeS3Options {
  /** Throws to lose a request on its way. */
  readonly onRequest?: (request: S3Request) => void;
  /** Throws to lose the reply of a request. */
  readonly onReply?: (request: S3Request) => void;
  /** Promises of S3 that it breaks. */
  readonly breaks?: readonly ('If-None-Match' | 'If-Match' | 'If-Match on nothing' | 'notes' | 'sizes')[];
}

/** S3 in memory, with faults where the test wants them. */
export function fakeS3({ onRequest, onReply, breaks = [] }: FakeS3Options = {}): S3Api {
  const objects = new Map<string, S3Object>();
  const answer = async <T>(request: S3Request, work: () => T): Promise<T> => {
    onRequest?.(request);
    // Concurrent requests interleave, as on a network.
    await Promise.resolve();
    const result = work();
    onReply?.(request);
    return result;
  };
  const holds = (present: S3Object | undefined, onlyIf: 'absent' | { readonly etag: string } | undefined): boolean => {
    if (onlyIf === undefined) return true;
    if (onlyIf === 'absent') return present === undefined || breaks.includes('If-None-Match');
    if (present === undefined) return breaks.includes('If-Match on nothing');
    return present.etag === onlyIf.etag || breaks.includes('If-Match');
  };
  return {
    place: 'http://fake:9000/bucket',
    put: (key, bytes, { onlyIf, note = '' } = {}) =>
      answer({ method: 'put', key }, () => {
        if (!holds(objects.get(key), onlyIf)) return 'refused';
        // Not `slice`, which of a Buffer makes a view.
        const kept = Uint8Array.from(breaks.includes('sizes') ? bytes.subarray(1) : bytes);
        const object = {
          bytes: kept,
          size: kept.length,
          etag: hash('md5', kept),
          note: breaks.includes('notes') ? '' : note,
        };
        objects.set(key, object);
        return { etag: object.etag };
      }),
    get: (key) => answer({ method: 'get', key }, () => objects.get(key)),
    part: (key, offset, length) =>
      answer({ method: 'part', key }, () => objects.get(key)?.bytes.slice(offset, offset + length)),
    head: (key) => answer({ method: 'head', key }, () => objects.get(key)),
    list: (prefix) =>
      answer({ method: 'list', key: prefix }, () => [...objects.keys()].filter((key) => key.startsWith(prefix))),
    remove: (key) =>
      answer({ method: 'remove', key }, () => {
        objects.delete(key);
      }),
  };
}
