import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventFile, removeEventFile } from './event-file.js';

const message = WatchRunResponse.fromPartial({ time: new Date(7) });
let scratch: string;
let folder: string;
let outside: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'trikd-events-'));
  [folder, outside] = [join(scratch, 'events'), join(scratch, 'outside')];
  await mkdir(outside);
});
afterEach(() => rm(scratch, { recursive: true }));

/** Writes one event. @returns why it could not be written */
async function write(runId: string): Promise<readonly string[]> {
  const failures: string[] = [];
  const file = eventFile(folder, runId, (error) => failures.push(`${error}`));
  file.write(message);
  await file.close();
  return failures;
}

test('appends one line of JSON for each event, to a file for this user only', async () => {
  expect([await write('tiny'), await write('tiny')]).toEqual([[], []]);
  const path = join(folder, 'tiny', 'events.jsonl');
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).time)).toEqual(Array(2).fill('1970-01-01T00:00:00.007Z'));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, 'tiny'))).mode & 0o777).toBe(0o700);
});

test.each(['the folder of the run', 'the file'])('%s is not followed if it is a link', async (what) => {
  await writeFile(join(outside, 'events.jsonl'), 'foreign\n');
  await mkdir(folder);
  if (what === 'the file') await mkdir(join(folder, 'tiny'));
  const [from, to] = what === 'the file' ? ['tiny/events.jsonl', join(outside, 'events.jsonl')] : ['tiny', outside];
  await symlink(to, join(folder, from));
  expect(await write('tiny')).toEqual([expect.stringContaining(`${from} is a symbolic link`)]);
  await removeEventFile(folder, 'tiny');
  expect(await readFile(join(outside, 'events.jsonl'), 'utf8')).toBe('foreign\n');
});

test('removes the file of a run, also when there is none', async () => {
  await removeEventFile(folder, 'tiny');
  await write('tiny');
  await removeEventFile(folder, 'tiny');
  await removeEventFile(folder, 'tiny');
  expect(await readdir(join(folder, 'tiny'))).toEqual([]);
});
