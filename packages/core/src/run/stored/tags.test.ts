import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { describe, expect, test } from 'vitest';
import { otherVersion, sealJson } from '../../checkpoint/json.js';
import { firstState } from '../state.js';
import { deleteRun } from './collector.js';
import { createRun, loadRun, saveRun, stateKey } from './run-store.js';
import { changeTags, MOST_TAGS, readTags, tagsKey } from './tags.js';

async function storeWithRun() {
  const store = memoryStore();
  const run = await createRun(store, specFor('bare', {}));
  return { store, run };
}

const added = (...add: readonly string[]) => ({ add, remove: [] });

describe('the tags of a run', () => {
  test('are added and removed, and repeating a change has no further effect', async () => {
    const { store } = await storeWithRun();
    expect(await changeTags(store, 'trial', added('b', 'a'))).toEqual(['a', 'b']);
    expect(await changeTags(store, 'trial', { add: ['c', 'a'], remove: ['b', 'x'] })).toEqual(['a', 'c']);
    const written = await store.get(tagsKey('trial'));
    expect(await changeTags(store, 'trial', { add: ['c'], remove: ['b'] })).toEqual(['a', 'c']);
    expect(await store.get(tagsKey('trial'))).toEqual(written);
  });

  test('of concurrent changes are all kept', async () => {
    const { store } = await storeWithRun();
    await Promise.all(['a', 'b', 'c'].map((tag) => changeTags(store, 'trial', added(tag))));
    expect(await readTags(store, 'trial')).toEqual(['a', 'b', 'c']);
  });

  test('leave the state to the process that drives the run', async () => {
    const { store, run } = await storeWithRun();
    await changeTags(store, 'trial', added('a'));
    await saveRun(store, run, { state: { ...firstState, phase: 'paused' }, term: 1 });
    expect((await loadRun(store, 'trial')).state.phase).toBe('paused');
  });

  test('of another version are refused with the version that is read', async () => {
    const store = memoryStore();
    await store.put(tagsKey('trial'), sealJson({ version: 2, revision: 1, tags: [] }));
    await expect(readTags(store, 'trial')).rejects.toMatchObject({
      kind: 'corrupt',
      message: otherVersion(tagsKey('trial'), 2, 1),
    });
  });

  test('have a limit', async () => {
    const { store } = await storeWithRun();
    const many = Array.from({ length: MOST_TAGS + 1 }, (_, index) => `t${index}`);
    await expect(changeTags(store, 'trial', added(...many))).rejects.toMatchObject({
      kind: 'invalid',
      message: `a run has at most ${MOST_TAGS} tags, and would have ${MOST_TAGS + 1}`,
    });
    expect(await readTags(store, 'trial')).toEqual([]);
  });

  test.each(['', '-a', 'a b', 'ä', 'a'.repeat(64), '../a'])('are words: %j is none', async (tag) => {
    const { store } = await storeWithRun();
    await expect(changeTags(store, 'trial', added(tag))).rejects.toMatchObject({ kind: 'invalid' });
  });

  test('end with the run', async () => {
    const { store, run } = await storeWithRun();
    await changeTags(store, 'trial', added('a'));
    await saveRun(store, run, { state: { ...firstState, phase: 'cancelled' }, term: 1 });
    await deleteRun(store, 'trial', 1);
    await expect(changeTags(store, 'trial', added('a'))).rejects.toMatchObject({ kind: 'not-found' });
    expect(await store.list('runs/')).toEqual([]);
  });

  test('are not left behind by a change during the removal of the run', async () => {
    const { store } = await storeWithRun();
    const removing = { ...store, size: sizeOnce(store) };
    await expect(changeTags(removing, 'trial', added('a'))).rejects.toMatchObject({ kind: 'not-found' });
    expect(await store.get(tagsKey('trial'))).toBeUndefined();
  });
});

/** The state is there at the first look, and gone at the second. */
function sizeOnce(store: ReturnType<typeof memoryStore>) {
  let looks = 0;
  return async (key: string) => {
    looks += 1;
    if (looks > 1) await store.remove(stateKey('trial'));
    return store.size(key);
  };
}
