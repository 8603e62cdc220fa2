import { openStore } from '@trikd/store/open-store';
import { Client } from 'minio';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Fate, type FaultyProxy, startFaultyProxy } from './faulty-proxy.js';
import { apiOf, configOf, type OwnServer, ownServer, storeOn, text } from './s3-rig.js';

let server: OwnServer;
let proxy: FaultyProxy;

beforeAll(async () => {
  server = await ownServer('minio');
});
afterAll(() => server.end());

/** The fates of the requests of one method, in their order; all others pass. */
function fates(method: string, ...list: Fate[]): (of: string) => Fate {
  const left = [...list];
  return (of) => (of === method ? (left.shift() ?? 'pass') : 'pass');
}

describe('MinIO behind a network that loses things', () => {
  beforeAll(async () => {
    proxy = await startFaultyProxy(server.endpoint);
  });
  afterAll(() => proxy.close());
  afterEach(() => proxy.decide(() => 'pass'));

  const through = (prefix: string, idleMs = 10_000) => {
    proxy.decide(() => 'pass');
    return storeOn(apiOf({ ...server, endpoint: proxy.endpoint, prefix }, { idleMs }));
  };

  test('a write whose reply is lost is known as one', async () => {
    const store = through('lost-reply');
    proxy.decide(fates('PUT', 'lose-reply', 'lose-reply', 'lose-reply'));
    const before = proxy.methods.length;
    expect(await store.create('a', text('1'))).toBe('created');
    const { version } = (await store.get('a'))!;
    expect(await store.replace('a', text('2'), version)).toBe('replaced');
    expect(proxy.methods.slice(before)).toEqual(['PUT', 'HEAD', 'GET', 'PUT', 'HEAD']);
    await store.put('b', text('3'));
    expect(await store.create('a', text('2'))).toBe('exists');
  });

  test('a write that was lost on its way is sent again', async () => {
    const store = through('lost-request');
    proxy.decide(fates('PUT', 'lose-request', 'pass', 'lose-request'));
    expect(await store.create('a', text('1'))).toBe('created');
    const { version } = (await store.get('a'))!;
    expect(await store.replace('a', text('2'), version)).toBe('replaced');
    expect(new TextDecoder().decode((await store.get('a'))!.bytes)).toBe('2');
  });

  test('a server that stops answering is given up, asked again, and its late success is known', async () => {
    const store = through('stall', 200);
    proxy.decide(fates('PUT', 'stall', 'lose-reply'));
    expect(await store.create('a', text('1'))).toBe('created');
  });

  test('a busy server is asked again, and not often', async () => {
    const store = through('busy');
    const busy: Fate = { status: 503, code: 'SlowDown' };
    proxy.decide(fates('PUT', busy, busy, busy));
    await store.put('a', text('1'));
    proxy.decide(() => busy);
    const [before, began] = [proxy.methods.length, performance.now()];
    await expect(store.put('a', text('2'))).rejects.toMatchObject({
      kind: 'unavailable',
      message: `store ${proxy.endpoint}/${server.bucket}: it is too busy, or it is starting (SlowDown)`,
    });
    const [requests, seconds] = [proxy.methods.length - before, (performance.now() - began) / 1000];
    expect(requests / seconds).toBeLessThan(20);
  });

  test('a busy server gets its sockets back: after 40 refusals there are some left', async () => {
    const api = apiOf({ ...server, endpoint: proxy.endpoint, prefix: 'refusals' });
    proxy.decide(() => ({ status: 503, code: 'SlowDown' }));
    for (let i = 0; i < 40; i++) await expect(api.get('a')).rejects.toMatchObject({ details: { code: 'SlowDown' } });
    proxy.decide(() => 'pass');
    expect(await api.get('a')).toBeUndefined();
  });

  test('a full disk is named, at once', async () => {
    const store = through('full');
    proxy.decide(fates('PUT', { status: 507, code: 'XMinioStorageFull' }));
    await expect(store.put('a', text('1'))).rejects.toMatchObject({
      kind: 'unavailable',
      message: `store ${proxy.endpoint}/${server.bucket}: its disk is full (XMinioStorageFull)`,
    });
  });

  test('8 workers that each add 15 to a counter make 120, though every fifth reply and request is lost', async () => {
    const stores = Array.from({ length: 8 }, () => through('counter'));
    await stores[0]!.create('counter', text('0'));
    let puts = 0;
    proxy.decide((method) => {
      if (method !== 'PUT') return 'pass';
      puts += 1;
      if (puts % 5 === 0) return 'lose-reply';
      return puts % 5 === 1 ? 'lose-request' : 'pass';
    });
    await Promise.all(
      stores.map(async (store) => {
        for (let added = 0; added < 15; ) {
          const { bytes, version } = (await store.get('counter'))!;
          const next = text(`${Number(new TextDecoder().decode(bytes)) + 1}`);
          if ((await store.replace('counter', next, version)) === 'replaced') added += 1;
        }
      }),
    );
    expect(new TextDecoder().decode((await stores[0]!.get('counter'))!.bytes)).toBe('120');
  });
});

describe('MinIO', () => {
  test.each([
    [{ secretKey: 'another-secret' }, 'the secret key does not fit the access key (SignatureDoesNotMatch)'],
    [{ accessKey: 'another-key' }, 'it does not know the access key (InvalidAccessKeyId)'],
  ])('refuses %j, and a service says so when it starts', async (wrong, sentence) => {
    await expect(openStore(configOf({ ...server, ...wrong }))).rejects.toMatchObject({
      kind: 'unavailable',
      message: `store ${server.endpoint}/${server.bucket}: ${sentence}`,
    });
  });

  test('keeps its promises in a bucket that keeps old versions', async () => {
    const { hostname, port } = new URL(server.endpoint);
    const { accessKey, secretKey } = server;
    const client = new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey });
    await client.makeBucket('versions');
    await client.setBucketVersioning('versions', { Status: 'Enabled' });
    const store = await openStore(configOf({ ...server, bucket: 'versions' }));
    await store.put('a', text('1'));
    await store.remove('a');
    expect(await store.get('a')).toBeUndefined();
    expect(await store.create('a', text('2'))).toBe('created');
    expect(await store.list('')).toEqual(['a']);
  });

  test('killed twice during 200 puts loses and tears no object that it acknowledged', async () => {
    const store = storeOn(apiOf({ ...server, prefix: 'killed' }));
    const bytesOf = (i: number) => new Uint8Array(50_000 + 1000 * i).fill(i);
    const acknowledged = new Set<number>();
    const kills = new Set([50, 120]);
    let restarts = Promise.resolve();
    let next = 0;
    const work = async () => {
      while (next < 200) {
        const i = next++;
        try {
          await store.put(`blob-${i}`, bytesOf(i));
          acknowledged.add(i);
        } catch (error) {
          expect(error).toMatchObject({ kind: 'unavailable' });
        }
        if (kills.delete(acknowledged.size)) restarts = restarts.then(server.killAndRestart);
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    await restarts;
    expect(acknowledged.size).toBeGreaterThanOrEqual(120);
    for (let i = 0; i < 200; i++) {
      const object = await store.get(`blob-${i}`);
      if (acknowledged.has(i)) expect(object).toBeDefined();
      if (object) expect(Buffer.compare(object.bytes, bytesOf(i))).toBe(0);
    }
  });
});
