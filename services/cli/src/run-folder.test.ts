import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRun } from '@trikd/core/run/run-store';
import { specFor } from '@trikd/testing/specs/spec-for';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeRunFolder, removeRun, runFolder, storedRun } from './run-folder.js';
import { openRunStore } from './run-store.js';

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
