import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifestKey } from '@trikd/core/checkpoint/manifest';
import { pointerKey } from '@trikd/core/run/stored/anchor-pointer';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { kdSpec } from '../../testing/results.js';
import { bytesOf, catalogue, committedTimes, type Entry, learnersOf, selected } from './catalogue.js';
import { type StoredRun, spec, storedRun } from './testing/stored-run.js';

describe('catalogue', () => {
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
});

describe('committed times', () => {
  test('reads when manifests were written from a log of events', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trikd-times-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const time = '2026-01-01T12:00:00.000Z';
    const lines = [
      JSON.stringify({ time, progress: { note: 'committed' } }),
      JSON.stringify({ time, committed: { stage: 0, step: 8, manifestKey: 'a' } }),
      JSON.stringify({ time: 'yesterday', committed: { manifestKey: 'b' } }),
      '{"time":"2026-01-01T12:00:00.000Z","committed":{"manif',
    ];
    writeFileSync(join(folder, 'events.jsonl'), lines.join('\n'));
    expect(await committedTimes(join(folder, 'events.jsonl'))).toEqual(new Map([['a', time]]));
    expect(await committedTimes(join(folder, 'none.jsonl'))).toEqual(new Map());
  });
});

describe('learners', () => {
  const names = async (of: typeof spec, wanted: readonly string[]) => {
    const { last } = (await storedRun()).manifests;
    const { teacher } = last.learners;
    const manifest = of === spec ? last : { ...last, learners: { teacher: teacher! } };
    return learnersOf(of, manifest, '0/8-2', wanted).map(([name]) => name);
  };

  describe('the learners of a checkpoint', () => {
    test('are all of them, or those that are named', async () => {
      expect(await names(spec, [])).toEqual(['student', 'teacher']);
      expect(await names(spec, ['teacher'])).toEqual(['teacher']);
    });

    test('are refused by name when another stage has them', async () => {
      await expect(names(kdSpec, ['student'])).rejects.toMatchObject({
        ...{ kind: 'not-found', message: 'the checkpoint 0/8-2 has no learner student; it has teacher' },
      });
    });
  });
});

describe('select', () => {
  let run: StoredRun;
  let entries: readonly Entry[];
  beforeAll(async () => {
    run = await storedRun();
    entries = await catalogue(run);
  });

  test.each([
    ['latest', '1/8-2'],
    ['1/8', '1/8-2'],
    ['1/8-1', '1/8-1'],
    ['0/8', '0/8-2'],
  ])('%s is %s', (wanted, name) => {
    expect(selected(entries, wanted, 'r').name).toBe(name);
  });

  test('a key is the checkpoint that has it', () => {
    expect(selected(entries, manifestKey(run.manifests.earlier), 'r').name).toBe('1/4-1');
  });

  test.each(['1/5', '1', '1/8-', '', 'runs/r'])('%j is no checkpoint, and those that there are get named', (wanted) => {
    expect(() => selected(entries, wanted, 'r')).toThrow(
      expect.objectContaining({
        kind: 'not-found',
        message: `run r has no checkpoint ${wanted}; it has 1/8-2, 1/8-1, 1/4-1, 0/8-2`,
      }),
    );
  });

  test('of many that there are the newest eight get named', () => {
    const many = Array.from({ length: 11 }, (_, index) => ({ ...entries[1]!, name: `0/${11 - index}-1` }));
    expect(() => selected(many, 'latest', 'r')).toThrow(
      'run r has no live checkpoint; it has 0/11-1, 0/10-1, 0/9-1, 0/8-1, 0/7-1, 0/6-1, 0/5-1, 0/4-1 and 3 older',
    );
    expect(() => selected([], '1/8', 'r')).toThrow('run r has no checkpoint 1/8; it has none yet');
  });
});
