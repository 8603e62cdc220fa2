import { manifestKey } from '@trikd/core/checkpoint/manifest';
import { pointerKey } from '@trikd/core/run/anchor-pointer';
import { beforeEach, expect, test } from 'vitest';
import { bytesOf, catalogue } from './catalogue.js';
import { type StoredRun, storedRun } from './testing/stored-run.js';

let run: StoredRun;
beforeEach(async () => {
  run = await storedRun();
});

const standings = async () => (await catalogue(run)).map(({ name, status, marks }) => [name, status, marks.join()]);

test('a checkpoint is live when the state names it, and an orphan when nothing does, newest first', async () => {
  expect(await standings()).toEqual([
    ['1/8-2', 'live', 'resumes here'],
    ['1/8-1', 'orphan', ''],
    ['1/4-1', 'live', ''],
    ['0/8-2', 'live', 'promoted,anchor,best'],
  ]);
});

test('a manifest that cannot be read is damaged, and one that is named and absent is gone', async () => {
  const { newest, earlier, last } = run.manifests;
  await run.store.put(manifestKey(newest), Buffer.from('{'));
  await run.store.remove(manifestKey(earlier));
  await run.store.put(manifestKey({ ...last, step: 9 }), Buffer.from('{'));
  const entries = await catalogue(run);
  expect(entries.map(({ name, status, needed }) => [name, status, needed])).toEqual([
    ['1/8-2', 'damaged', true],
    ['1/8-1', 'orphan', false],
    ['1/4-1', 'gone', true],
    ['0/9-2', 'damaged', false],
    ['0/8-2', 'live', true],
  ]);
  expect(entries[2]?.refusal?.message).toBe(`the manifest ${manifestKey(earlier)} is gone`);
});

test('what lies among the manifests and has no name of one is named by its key', async () => {
  await run.store.put('runs/r/manifests/notes.txt', Buffer.from('remember the milk'));
  expect((await standings())[0]).toEqual(['runs/r/manifests/notes.txt', 'damaged', '']);
});

test('the anchor is marked by the state where the pointer cannot be read', async () => {
  await run.store.put(pointerKey('r'), Buffer.from('{'));
  expect((await standings()).at(-1)).toEqual(['0/8-2', 'live', 'promoted,anchor,best']);
});

test('a blob that a manifest names twice is counted once', () => {
  const { newest } = run.manifests;
  const { student, teacher } = newest.learners;
  const { bytes } = teacher!.state;
  expect(bytesOf(newest)).toBe(3 * bytes);
  expect(bytesOf({ ...newest, learners: { student: student!, teacher: { state: student!.state } } })).toBe(2 * bytes);
});
