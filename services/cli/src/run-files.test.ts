import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { specFor } from '@trikd/testing/specs/spec-for';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeEvents } from './export-events/event-files.js';
import { emitted, emittedRun } from './export-events/testing/emitted-run.js';
import { runFiles } from './run-files.js';
import { makeRunFolder, runFolder } from './run-folder.js';

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
    .map(({ parentPath, name }) => [join(parentPath, name).slice(folder.length), readFileSync(join(parentPath, name))])
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
