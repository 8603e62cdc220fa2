import { openStore } from '@trikd/store/open-store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { describeStoreContract } from '../../packages/testing/src/stores/store.contract.js';
import { apiOf, configOf, type OwnServer, ownServer, storeOn, text } from './s3-rig.js';

/** `make s3servers` names all of them. */
const SERVERS = z
  .array(z.enum(['minio', 'versitygw', 'gofakes3']))
  .parse((process.env['S3_SERVERS'] ?? 'minio').split(' '));

describe.each(SERVERS)('%s', (name) => {
  let server: OwnServer;
  let prefixes = 0;
  beforeAll(async () => {
    server = await ownServer(name);
  });
  afterAll(() => server.end());

  const ownPart = () => ({ ...server, prefix: `part/${prefixes++}` });

  describeStoreContract(name, async () => {
    const part = ownPart();
    return [storeOn(apiOf(part)), storeOn(apiOf(part)), storeOn(apiOf(part))];
  });

  test('passes the verification of conditional writes, which leaves no objects', async () => {
    const store = await openStore(configOf(server));
    expect(await store.list('probe')).toEqual([]);
  });

  test('lists more keys than fit a page, as texts', async () => {
    const store = storeOn(apiOf(ownPart(), { pageKeys: 5 }));
    const keys = ['a-b', 'a.b', 'a/b/c', 'a/b/d', 'b_c', 'c/1', 'c/10', 'c/2', 'd/007', 'd/1e3', 'd/true', 'e/f/g/h'];
    await Promise.all(keys.map((key) => store.put(key, text('x'))));
    expect(await store.list('')).toEqual(keys);
    expect(await store.list('c/1')).toEqual(['c/1', 'c/10']);
  });

  test('lists a key at the top of a bucket that looks like a number', async () => {
    const store = storeOn(apiOf(server));
    await store.put('007', text('x'));
    expect(await store.list('0')).toEqual(['007']);
    await store.remove('007');
  });

  test('a missing bucket is reported, with how to create it', async () => {
    const store = storeOn(apiOf({ ...server, bucket: 'nowhere' }));
    const place = `store ${server.endpoint}/nowhere`;
    const error = {
      kind: 'unavailable',
      message: `${place}: there is no such bucket; create it, for example with: mc mb ALIAS/BUCKET (NoSuchBucket)`,
    };
    await expect(store.put('a', text('1'))).rejects.toMatchObject(error);
    await expect(store.create('a', text('1'))).rejects.toMatchObject(error);
    await expect(store.get('a')).rejects.toMatchObject(error);
    await expect(store.size('a')).rejects.toMatchObject(error);
    await expect(store.list('')).rejects.toMatchObject(error);
    await expect(store.remove('a')).rejects.toMatchObject(error);
  });
});
