import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRun } from '@trikd/core/run/stored/run-store';
import { specFor } from '@trikd/testing/specs/spec-for';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeEvents } from '../commands/export-events/event-files.js';
import { emitted, emittedRun } from '../commands/export-events/testing/emitted-run.js';
import { makeRunFolder, removeRun, runFiles, runFolder, storedRun } from './run-folder.js';
import { openRunStore } from './run-store.js';

describe('run files', () => {
  const spec = specFor('bare', { name: 'r' });

  let parent = '';
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'trikd-run-files-'));
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  /** Every file below a folder, with its bytes. */
  const filesIn = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [
        join(parentPath, name).slice(folder.length),
        readFileSync(join(parentPath, name)),
      ])
      .sort();

  describe('the files of a run', () => {
    test('have each value once, though the run was continued and trains steps again', async () => {
      const folder = runFolder(parent, 'r');
      await makeRunFolder(folder);
      await writeEvents('r', emitted(), ['jsonl'], folder.path);
      const complaints: string[] = [];
      const files = await runFiles(
        folder,
        () => new Date(),
        (reason) => complaints.push(reason),
      );
      for (const message of emittedRun) await files.add(message);
      await files.close(spec);
      await writeEvents('r', emitted(), ['tensorboard'], join(parent, 'once'));
      expect(filesIn(folder.tensorboard)).toEqual(filesIn(join(parent, 'once', 'tensorboard')));
      expect(complaints).toEqual([]);
    });

    test('that cannot be written are reported once, and the run goes on', async () => {
      const folder = { ...runFolder(parent, 'r'), tensorboard: join(parent, 'file', 'tensorboard') };
      writeFileSync(join(parent, 'file'), '');
      const complaints: string[] = [];
      const files = await runFiles(
        folder,
        () => new Date(),
        (reason) => complaints.push(reason),
      );
      for (const message of emittedRun) await files.add(message);
      await files.close(spec);
      expect(complaints).toEqual([expect.stringMatching(/file\/tensorboard: .*ENOTDIR|EEXIST/)]);
    });
  });
});

describe('run folder', () => {
  const spec = specFor('bare');

  let runs = '';
  beforeEach(async () => {
    runs = await mkdtemp(join(tmpdir(), 'trikd-runs-'));
  });
  afterEach(() => rm(runs, { recursive: true }));

  describe('storedRun', () => {
    test('is undefined before the first time, and makes nothing', async () => {
      expect(await storedRun(runFolder(runs, 'trial'))).toBeUndefined();
      expect(await readdir(runs)).toEqual([]);
    });

    test('is the run that was left', async () => {
      const folder = runFolder(runs, 'trial');
      await createRun(await openRunStore(folder.store), spec);
      expect(await storedRun(folder)).toMatchObject({ spec, state: { phase: 'queued' } });
    });
  });

  describe('makeRunFolder', () => {
    test('makes store and logs, and finds them made', async () => {
      const folder = runFolder(runs, 'trial');
      await makeRunFolder(folder);
      await makeRunFolder(folder);
      expect((await readdir(folder.path)).sort()).toEqual(['logs', 'store']);
    });

    test('names the folder that cannot be made', async () => {
      await writeFile(join(runs, 'file'), '');
      await expect(makeRunFolder(runFolder(join(runs, 'file'), 'trial'))).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringContaining(join(runs, 'file', 'trial')),
      });
    });
  });

  describe('removeRun', () => {
    test('removes a run with its logs', async () => {
      const folder = runFolder(runs, 'trial');
      await createRun(await openRunStore(folder.store), spec);
      await mkdir(folder.logs);
      await removeRun(folder);
      expect(await readdir(runs)).toEqual([]);
    });

    test('leaves alone what is no folder of that run', async () => {
      const folder = runFolder(runs, 'trial');
      await mkdir(folder.path);
      await writeFile(join(folder.path, 'thesis.tex'), '');
      await expect(removeRun(folder)).rejects.toMatchObject({ kind: 'invalid' });
      expect(await readdir(folder.path)).toEqual(['thesis.tex']);
    });

    test('has nothing to do when there is nothing', async () => {
      await expect(removeRun(runFolder(runs, 'trial'))).resolves.toBeUndefined();
    });
  });
});
