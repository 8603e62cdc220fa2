import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRun, listRuns, loadRun, specKey, stateKey } from '@trikd/core/run/stored/run-store';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, onTestFinished, test } from 'vitest';
import { openFolderStore } from './folder-store.js';
import { asOneStore, bucketPlaces, openRunPlaces } from './run-places.js';

const spec = (name: string) => ({ ...specFor('bare'), name });

async function folderWith(runs: Readonly<Record<string, string>>): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'places-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [name, place] of Object.entries(runs))
    await createRun(await openFolderStore(join(root, place)), spec(name));
  return root;
}

test('runs are found in stores of their own, in a shared store, and in the store of a stack', async () => {
  const root = await folderWith({ one: 'one/store', two: 'trikd-run/two', three: '.', four: 'store' });
  mkdirSync(join(root, 'notes'));
  const places = await openRunPlaces({ kind: 'folder', path: root });
  expect(await places.names()).toEqual(['four', 'one', 'three', 'two']);
  for (const name of await places.names()) {
    const store = await places.storeOf(name);
    expect((await loadRun(store!, name)).spec.name).toBe(name);
  }
  expect(await places.storeOf('notes')).toBeUndefined();
  expect(await places.storeOf('../one')).toBeUndefined();
});

test('a store is read without a trace, and refuses writes', async () => {
  const root = await folderWith({ one: 'one/store' });
  const places = await openRunPlaces({ kind: 'folder', path: root });
  const store = await places.storeOf('one');
  await expect(store!.put('runs/one/spec.json', new Uint8Array(1))).rejects.toMatchObject({ kind: 'wrong-state' });
  expect(readdirSync(root)).toEqual(['one']);
  expect(await (await openRunPlaces({ kind: 'folder', path: join(root, 'absent') })).names()).toEqual([]);
});

test('a bucket has the runs of services and those of trikd run', async () => {
  const bucket = memoryStore();
  await createRun(bucket, spec('shared'));
  const own = memoryStore();
  await createRun(own, spec('own'));
  for (const key of await own.list('')) await bucket.put(`trikd-run/own/${key}`, (await own.get(key))!.bytes);
  const places = bucketPlaces(bucket);
  const readsAll = async () => {
    for (const name of ['own', 'shared'])
      expect((await loadRun((await places.storeOf(name))!, name)).spec.name).toBe(name);
  };
  await readsAll();
  expect(await places.names()).toEqual(['own', 'shared']);
  expect(await places.keys()).toEqual(['own', 'shared'].flatMap((name) => [specKey(name), stateKey(name)]));
  await readsAll();
  expect(await places.storeOf('other')).toBeUndefined();
});

test('as one store, each run has the objects of its own store and no others', async () => {
  const root = await folderWith({ one: 'one/store', two: 'two/store' });
  const stray = await openFolderStore(join(root, 'one/store'));
  await stray.put('runs/two/stray.json', new Uint8Array(1));
  const store = asOneStore(await openRunPlaces({ kind: 'folder', path: root }));
  expect(await listRuns(store)).toEqual(['one', 'two']);
  expect(await store.list('runs/two/')).toEqual(['runs/two/spec.json', 'runs/two/state.json']);
  expect((await loadRun(store, 'two')).spec.name).toBe('two');
  expect(await store.get('lease.json')).toBeUndefined();
});
