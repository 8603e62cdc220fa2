import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRun } from '@trikd/core/run/stored/run-store';
import { openFolderStore } from '@trikd/store/folder-store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRun } from './open-run.js';
import { spec } from './testing/stored-run.js';

let runs = '';
beforeEach(async () => {
  runs = mkdtempSync(join(tmpdir(), 'trikd-open-'));
  await createRun(await openFolderStore(join(runs, 'r', 'store')), spec);
});
afterEach(() => rmSync(runs, { recursive: true }));

test('opens a run in its folder, and knows where its events are', async () => {
  expect(await openRun('r', { store: runs }, {})).toMatchObject({ spec, events: join(runs, 'r', 'events.jsonl') });
});

test('opens a run in the store of a configuration, whatever else that configures', async () => {
  const config = join(runs, 'orchestrator.yaml');
  writeFileSync(config, `store: { path: ${join(runs, 'r', 'store')} }\nteacher: host:1\n`);
  const opened = await openRun('r', { store: 'unused', config }, {});
  expect(opened.spec).toEqual(spec);
  expect(opened.events).toBeUndefined();
  await expect(openRun('q', { store: 'unused', config }, {})).rejects.toMatchObject({
    kind: 'not-found',
    message: `there is no run q in the store of ${config}; it has r`,
  });
});

test.each(['q', '../r', '', 'R'])(
  'there is no run %j, those that there are get named, and nothing is made',
  async (runId) => {
    mkdirSync(join(runs, 'holiday'));
    await expect(openRun(runId, { store: runs }, {})).rejects.toMatchObject({
      kind: 'not-found',
      message: `there is no run ${runId} in ${runs}; it has r`,
    });
    expect(readdirSync(runs).sort()).toEqual(['holiday', 'r']);
  },
);

test('a folder without runs, and a missing store, are named and not created', async () => {
  const none = join(runs, 'none');
  await expect(openRun('r', { store: none }, {})).rejects.toThrow(`there is no run r in ${none}; it has no runs`);
  const config = join(runs, 'a.yaml');
  writeFileSync(config, `store: { path: ${none} }`);
  await expect(openRun('r', { store: runs, config }, {})).rejects.toThrow(`there is no store at ${none}`);
  expect(readdirSync(runs)).not.toContain('none');
});
