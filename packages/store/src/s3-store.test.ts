import type { ObjectStore } from '@trikd/core/domain/object-store';
import { systemClock } from '@trikd/process/system-clock';
import { type FakeS3Options, fakeS3, type S3Request } from '@trikd/testing/stores/fake-s3';
import { describe, expect, test } from 'vitest';
import { describeStoreContract } from '../../testing/src/stores/store.contract.js';
import { type S3Api, s3Error } from './s3-api.js';
import { proveConditionalWrites, s3Store } from './s3-store.js';

async function prove(options: FakeS3Options = {}) {
  const api = fakeS3(options);
  const store = s3Store(api, { clock: systemClock, random: () => 0, writer: 'w' });
  await proveConditionalWrites(api, store, 'n').finally(async () => {
    expect(await api.list('')).toEqual([]);
  });
}

test('a store with all guarantees passes, and its objects are removed', () => prove());

test.each([
  ['If-None-Match', 'of 32 writers that create one object exactly one must succeed, 32 did'],
  ['If-Match', 'of 32 writers that replace one version exactly one must succeed, 32 did'],
  ['If-Match on nothing', 'an object that does not exist must not be replaced, it was'],
  ['notes', 'user metadata must be stored with an object, it was not'],
] as const)(
  'a store that breaks %s is rejected with the guarantee, and the objects are removed',
  async (promise, sentence) => {
    await expect(prove({ breaks: [promise] })).rejects.toMatchObject({
      kind: 'wrong-state',
      message: `store http://fake:9000/bucket is not safe to use: ${sentence}`,
    });
  },
);

test('a store that cannot be used receives one request', async () => {
  let requests = 0;
  const denied = () => {
    requests += 1;
    throw s3Error('http://fake:9000/bucket', Object.assign(new Error(), { code: 'AccessDenied' }));
  };
  const api = fakeS3({ onRequest: denied });
  const store = s3Store(api, { clock: systemClock, random: () => 0, writer: 'w' });
  await expect(proveConditionalWrites(api, store, 'n')).rejects.toMatchObject({
    kind: 'unavailable',
    message: 'store http://fake:9000/bucket: access denied to these credentials (AccessDenied)',
  });
  expect(requests).toBe(1);
});

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const failure = (code: string) => s3Error('http://fake:9000/bucket', Object.assign(new Error(code), { code }));

/** A store whose pauses pass at once; `pauses` are those it made, in milliseconds. */
function storeOn(api: S3Api, writer = 'a'): ObjectStore & { readonly pauses: readonly number[] } {
  const pauses: number[] = [];
  const clock = {
    now: () => pauses.reduce((sum, pause) => sum + pause, 0),
    sleep: async (ms: number) => {
      pauses.push(ms);
    },
  };
  return { ...s3Store(api, { clock, random: () => 1, writer }), pauses };
}

/** Fails the requests of a method with these codes, one after the other; those of `undefined` and those after them go well. */
function failing(method: S3Request['method'], ...codes: (string | undefined)[]): (request: S3Request) => void {
  const left = [...codes];
  return (request) => {
    const code = request.method === method ? left.shift() : undefined;
    if (code !== undefined) throw failure(code);
  };
}

/** A fake, and the requests that it got. */
function recorded(options: FakeS3Options = {}): { readonly api: S3Api; readonly requests: S3Request[] } {
  const requests: S3Request[] = [];
  const onRequest = (request: S3Request) => {
    requests.push(request);
    options.onRequest?.(request);
  };
  return { api: fakeS3({ ...options, onRequest }), requests };
}

describeStoreContract('a bucket', async () => {
  const api = fakeS3();
  return [storeOn(api, 'a'), storeOn(api, 'b'), storeOn(api, 'c')];
});

async function read(store: ObjectStore, key: string): Promise<string> {
  return new TextDecoder().decode((await store.get(key))!.bytes);
}

describe('a conditional write', () => {
  test.each(['ECONNRESET', 'ETIMEDOUT', 'InternalError', 'SlowDown'])(
    'that happened has succeeded, though its reply was lost to %s',
    async (code) => {
      const { api, requests } = recorded({ onReply: failing('put', code, code) });
      const store = storeOn(api);
      expect(await store.create('a', text('1'))).toBe('created');
      const { version } = (await store.get('a'))!;
      expect(await store.replace('a', text('2'), version)).toBe('replaced');
      expect(requests.map(({ method }) => method)).toEqual(['put', 'head', 'get', 'put', 'head']);
    },
  );

  test('that took effect has succeeded, even if others have replaced the object before its writer looks', async () => {
    const api = fakeS3({ onReply: failing('put', 'ECONNRESET') });
    const other = storeOn(api, 'b');
    const replaceOften = async () => {
      for (let i = 2; i <= 16; i++) {
        expect(await other.replace('a', text(`${i}`), (await other.get('a'))!.version)).toBe('replaced');
      }
    };
    const slow = storeOn({ ...api, head: (key) => replaceOften().then(() => api.head(key)) });
    expect(await slow.create('a', text('1'))).toBe('created');
    expect(await read(slow, 'a')).toBe('16');
  });

  test('of another writer with the same bytes is not mistaken for its own', async () => {
    const api = fakeS3({ onRequest: failing('put', undefined, 'ECONNRESET', undefined, 'ECONNRESET') });
    const [store, other] = [storeOn(api, 'a'), storeOn(api, 'b')];
    expect(await other.create('a', text('same'))).toBe('created');
    expect(await store.create('a', text('same'))).toBe('exists');
    const { version } = (await store.get('a'))!;
    expect(await other.replace('a', text('next'), version)).toBe('replaced');
    expect(await store.replace('a', text('next'), version)).toBe('conflict');
  });

  test('that was lost on its way is sent again', async () => {
    const { api, requests } = recorded({ onRequest: failing('put', 'ECONNRESET') });
    const store = storeOn(api);
    expect(await store.create('a', text('1'))).toBe('created');
    expect(requests.map(({ method }) => method)).toEqual(['put', 'head', 'put']);
    expect(store.pauses).toEqual([200]);
  });

  test('that arrives after its timeout and before it is sent again has succeeded', async () => {
    const api = fakeS3();
    let late: (() => Promise<unknown>) | undefined;
    const store = storeOn({
      ...api,
      put: async (key, bytes, options) => {
        if (late) {
          await late();
          return api.put(key, bytes, options);
        }
        late = () => api.put(key, bytes, options);
        throw failure('ETIMEDOUT');
      },
    });
    expect(await store.create('a', text('1'))).toBe('created');
  });

  test('that is refused because of an object removed meanwhile is sent again', async () => {
    const api = fakeS3();
    const other = storeOn(api, 'b');
    await other.create('a', text('1'));
    const store = storeOn({ ...api, head: (key) => api.remove(key).then(() => api.head(key)) });
    expect(await store.create('a', text('2'))).toBe('created');
    expect(await read(store, 'a')).toBe('2');
  });

  test('whose outcome is unknown is unavailable', async () => {
    const api = fakeS3({
      onReply: failing('put', 'ECONNRESET'),
      onRequest: failing('head', ...Array<string>(9).fill('ECONNREFUSED')),
    });
    await expect(storeOn(api).create('a', text('1'))).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'store http://fake:9000/bucket: connection refused (ECONNREFUSED)',
    });
  });

  test('of more than 2 MiB is rejected before anything is sent', async () => {
    const { api, requests } = recorded();
    const [store, large] = [storeOn(api), new Uint8Array(2 * 1024 * 1024 + 1)];
    await expect(store.create('a', large)).rejects.toMatchObject({ kind: 'invalid' });
    await expect(store.replace('a', large, 'any')).rejects.toMatchObject({ kind: 'invalid' });
    expect(requests).toEqual([]);
    expect(await store.create('a', large.subarray(1))).toBe('created');
    await store.put('b', large);
  });
});

test('a version stands for content: a reader of A can replace an A written after B, and nothing else', async () => {
  const store = storeOn(fakeS3());
  await store.create('a', text('A'));
  const { version } = (await store.get('a'))!;
  await store.put('a', text('B'));
  expect(await store.replace('a', text('C'), version)).toBe('conflict');
  await store.put('a', text('A'));
  expect(await store.replace('a', text('C'), version)).toBe('replaced');
});

describe('an error', () => {
  test('that is permanent is not retried', async () => {
    for (const code of ['AccessDenied', 'NoSuchBucket', 'XMinioStorageFull']) {
      const { api, requests } = recorded({ onRequest: failing('put', code) });
      const store = storeOn(api);
      await expect(store.put('a', text('1'))).rejects.toMatchObject({ kind: 'unavailable', details: { code } });
      expect(requests).toHaveLength(1);
      expect(store.pauses).toEqual([]);
    }
  });

  test('that is transient is retried for 5 attempts in 3 s, and for a large object for 6 attempts in 13 s', async () => {
    const codes = Array<string>(20).fill('SlowDown');
    const small = recorded({ onRequest: failing('put', ...codes) });
    const store = storeOn(small.api);
    await expect(store.put('a', text('1'))).rejects.toMatchObject({ kind: 'unavailable' });
    expect(store.pauses).toEqual([200, 400, 800, 1600]);
    expect(small.requests).toHaveLength(5);
    const large = recorded({ onRequest: failing('put', ...codes) });
    const patient = storeOn(large.api);
    await expect(patient.put('a', new Uint8Array(2 * 1024 * 1024))).rejects.toMatchObject({ kind: 'unavailable' });
    expect(patient.pauses).toEqual([500, 1000, 2000, 4000, 5000]);
    expect(large.requests).toHaveLength(6);
  });

  test('that ends after a retry is not reported', async () => {
    const gone = ['ECONNREFUSED', 'ECONNRESET', 'SlowDown'];
    for (const method of ['put', 'get', 'part', 'head', 'list', 'remove'] as const) {
      const store = storeOn(fakeS3({ onRequest: failing(method, ...gone) }));
      await store.put('a', text('1'));
      expect(await read(store, 'a')).toBe('1');
      expect(await store.part('a', 0, 9)).toEqual(text('1'));
      expect(await store.size('a')).toBe(1);
      expect(await store.list('')).toEqual(['a']);
      await store.remove('a');
      expect(store.pauses).toHaveLength(3);
    }
  });
});

test('an object that was stored in part is not acknowledged', async () => {
  const store = storeOn(fakeS3({ breaks: ['sizes'] }));
  await expect(store.put('a', text('12345'))).rejects.toThrow('key a: it stored 4 of the 5 bytes');
});

test('an object whose ETag is not its MD5 is acknowledged if all of its bytes are stored', async () => {
  const api = fakeS3();
  const encrypted: S3Api = {
    ...api,
    put: async (key, bytes, options) => (await api.put(key, bytes, options)) && { etag: 'f00d-2' },
  };
  const store = storeOn(encrypted);
  await store.put('a', text('1'));
  expect(await read(store, 'a')).toBe('1');
});

test('names in the bucket that are not valid store keys are not listed', async () => {
  const api = fakeS3();
  await api.put('folder/', text(''));
  await api.put('a b', text(''));
  const store = storeOn(api);
  await store.put('a', text('1'));
  expect(await store.list('')).toEqual(['a']);
  await expect(store.list('../')).rejects.toMatchObject({ kind: 'invalid' });
});
