import type { ObjectStore } from '@trikd/core/domain/object-store';
import { describe, expect, test } from 'vitest';

/** Opens clients, at least one, of one store that is new and empty. Clients race each other as processes would. */
export type OpenClients = () => Promise<readonly [ObjectStore, ...ObjectStore[]]>;

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

async function read(store: ObjectStore, key: string): Promise<string | undefined> {
  const object = await store.get(key);
  return object && new TextDecoder().decode(object.bytes);
}

/** What every store must do, whatever it is made of. */
export function describeStoreContract(name: string, open: OpenClients): void {
  describe(`${name} keeps the contract of a store:`, () => {
    describePlainUse(open);
    describeListing(open);
    describeRaces(open);
  });
}

function describePlainUse(open: OpenClients): void {
  test('what is put is what is got, by every client', async () => {
    const clients = await open();
    const large = Uint8Array.from({ length: 1_000_003 }, (_, i) => (i * 7) % 251);
    for (const [key, bytes] of [
      ['a', text('one')],
      ['b/c.d/E_f-1', new Uint8Array()],
      ['large', large],
    ] as const) {
      await clients[0].put(key, bytes);
      for (const client of clients) {
        expect(Buffer.compare((await client.get(key))!.bytes, bytes)).toBe(0);
        expect(await client.size(key)).toBe(bytes.length);
      }
    }
  });

  test('a part of an object is read alone, as far as it goes', async () => {
    const [store] = await open();
    await store.put('a', text('0123456789'));
    const part = async (offset: number, length: number) => {
      const bytes = await store.part('a', offset, length);
      return bytes && new TextDecoder().decode(bytes);
    };
    expect(await part(0, 4)).toBe('0123');
    expect(await part(4, 1)).toBe('4');
    expect(await part(8, 1000)).toBe('89');
    expect(await part(10, 5)).toBe('');
    expect(await part(11, 5)).toBe('');
    expect(await store.part('none', 0, 1)).toBeUndefined();
  });

  test('a part of a larger buffer is written alone', async () => {
    const [store] = await open();
    await store.put('part', text('0123456789').subarray(3, 5));
    expect(await read(store, 'part')).toBe('34');
  });

  test('what was written stays, whatever becomes of the buffer it came from', async () => {
    const [store] = await open();
    const bytes = Buffer.from('as it was');
    await store.put('a', bytes);
    bytes.fill('x');
    expect(await read(store, 'a')).toBe('as it was');
  });

  test('what is absent is undefined, cannot be replaced, and may be removed', async () => {
    const [store] = await open();
    expect(await store.get('a/b')).toBeUndefined();
    expect(await store.size('a/b')).toBeUndefined();
    expect(await store.replace('a/b', text('x'), 'any')).toBe('conflict');
    await store.remove('a/b');
    expect(await store.get('a/b')).toBeUndefined();
  });

  test('put writes over what is there, create does not', async () => {
    const [store] = await open();
    expect(await store.create('a', text('first'))).toBe('created');
    expect(await store.create('a', text('second'))).toBe('exists');
    expect(await read(store, 'a')).toBe('first');
    await store.put('a', text('third'));
    expect(await read(store, 'a')).toBe('third');
  });

  test('replace writes over the version that was read and over no other', async () => {
    const [store] = await open();
    await store.put('a', text('1'));
    const first = (await store.get('a'))!.version;
    expect(await store.replace('a', text('2'), first)).toBe('replaced');
    expect(await store.replace('a', text('3'), first)).toBe('conflict');
    const second = (await store.get('a'))!.version;
    await store.put('a', text('4'));
    expect(await store.replace('a', text('5'), second)).toBe('conflict');
    expect(await read(store, 'a')).toBe('4');
  });

  test('what is removed is gone, and can be created again', async () => {
    const [store] = await open();
    await store.put('a/b', text('1'));
    const { version } = (await store.get('a/b'))!;
    await store.remove('a/b');
    expect(await store.get('a/b')).toBeUndefined();
    expect(await store.replace('a/b', text('2'), version)).toBe('conflict');
    expect(await store.create('a/b', text('3'))).toBe('created');
  });

  test.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    '../a',
    'a/../b',
    'a/./b',
    'a b',
    'ä',
    'a\\b',
    'a~',
    'a\0',
    'a:b',
  ])('refuses the key %j', async (key) => {
    const [store] = await open();
    const invalid = { kind: 'invalid' };
    await expect(store.get(key)).rejects.toMatchObject(invalid);
    await expect(store.size(key)).rejects.toMatchObject(invalid);
    await expect(store.put(key, text('x'))).rejects.toMatchObject(invalid);
    await expect(store.create(key, text('x'))).rejects.toMatchObject(invalid);
    await expect(store.replace(key, text('x'), 'any')).rejects.toMatchObject(invalid);
    await expect(store.remove(key)).rejects.toMatchObject(invalid);
    expect(await store.list('')).toEqual([]);
  });
}

function describeListing(open: OpenClients): void {
  test('keys are listed sorted, by any prefix', async () => {
    const [store] = await open();
    const keys = ['runs/b/2', 'runs/a/10', 'runs/a-b/1', 'runs/a/9', 'blobs/x', 'r', 'runs/B/1'];
    for (const key of keys) await store.put(key, text(key));
    await store.remove('blobs/x');
    expect(await store.list('')).toEqual(['r', 'runs/B/1', 'runs/a-b/1', 'runs/a/10', 'runs/a/9', 'runs/b/2']);
    expect(await store.list('runs/a')).toEqual(['runs/a-b/1', 'runs/a/10', 'runs/a/9']);
    expect(await store.list('runs/a/')).toEqual(['runs/a/10', 'runs/a/9']);
    expect(await store.list('runs/a/9')).toEqual(['runs/a/9']);
    expect(await store.list('nothing/here')).toEqual([]);
  });
}

function describeRaces(open: OpenClients): void {
  test('of 32 that race to create an object one wins, and its bytes are there', async () => {
    const clients = await open();
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 32 }, (_, i) => clients[i % clients.length]!.create(`race/${round}`, text(`${i}`))),
      );
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
      expect(await read(clients[0], `race/${round}`)).toBe(`${outcomes.indexOf('created')}`);
    }
  });

  test('8 workers that each add 25 to a counter by compare-and-swap make 200', async () => {
    const clients = await open();
    await clients[0].create('counter', text('0'));
    await Promise.all(Array.from({ length: 8 }, (_, i) => addByCompareAndSwap(clients[i % clients.length]!, 25)));
    expect(await read(clients[0], 'counter')).toBe('200');
  });

  test('a reader never sees a part of a write', async () => {
    const clients = await open();
    const filled = (value: number) => new Uint8Array(100_000 + 1000 * value).fill(value);
    await clients[0].put('whole', filled(0));
    let written = false;
    const writing = (async () => {
      for (let value = 1; value <= 20; value++) await clients[0].put('whole', filled(value));
      written = true;
    })();
    while (!written) {
      const { bytes } = (await clients.at(-1)!.get('whole'))!;
      expect(Buffer.compare(bytes, filled(bytes[0]!))).toBe(0);
    }
    await writing;
  });
}

async function addByCompareAndSwap(store: ObjectStore, times: number): Promise<void> {
  for (let added = 0; added < times; ) {
    const { bytes, version } = (await store.get('counter'))!;
    const next = text(`${Number(new TextDecoder().decode(bytes)) + 1}`);
    if ((await store.replace('counter', next, version)) === 'replaced') added++;
  }
}
