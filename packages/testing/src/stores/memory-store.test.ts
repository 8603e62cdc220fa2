import { expect, test } from 'vitest';
import { memoryStore } from './memory-store.js';
import { describeStoreContract } from './store.contract.js';

describeStoreContract('the store in memory', async () => [memoryStore()]);

test('an operation made to fail writes nothing', async () => {
  const store = memoryStore({ failOn: (key, operation) => operation === 'create' && key.endsWith('.json') });
  await expect(store.create('a.json', Uint8Array.of(1))).rejects.toMatchObject({ kind: 'unavailable' });
  expect(await store.create('a.bin', Uint8Array.of(1))).toBe('created');
  expect(await store.list('')).toEqual(['a.bin']);
});
