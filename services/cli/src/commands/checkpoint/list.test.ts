import { expect, test } from 'vitest';
import { catalogue } from './catalogue.js';
import { listTable } from './list.js';
import { storedRun } from './testing/stored-run.js';

const rows = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.includes('│'))
    .map((line) =>
      line
        .split('│')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

test('a line for each checkpoint, and one that counts', async () => {
  const run = await storedRun();
  const now = new Date('2026-01-01T12:00:00Z');
  const [newest, ...older] = await catalogue(run);
  const text = listTable(run, [{ ...newest!, writtenAt: '2026-01-01T11:58:01Z' }, ...older], now);
  expect(text.split('\n')[0]).toBe('run r: training, generation 1, attempt 2');
  expect(rows(text)).toEqual([
    ['stage/step-attempt', 'status', 'age', 'size', 'student', 'teacher', ''],
    ['1/8-2', 'live', '1 minute', '264 B', '50.00 %', '', 'resumes here'],
    ['1/8-1', 'orphan', '', '264 B', '50.00 %', '', ''],
    ['1/4-1', 'live', '', '264 B', '50.00 %', '', ''],
    ['0/8-2', 'live', '', '264 B', '80.00 %', '', 'promoted, anchor, best'],
  ]);
  expect(text.split('\n').at(-1)).toBe('3 live, 1 orphan');
});

test('why one cannot be read stands below', async () => {
  const run = await storedRun();
  await run.store.put('runs/r/manifests/0000000001/0000000008-0000000002.json', Buffer.from('{'));
  const lines = listTable(run, await catalogue(run), new Date()).split('\n');
  expect(lines.at(-2)).toBe('2 live, 1 orphan, 1 damaged');
  expect(lines.at(-1)).toMatch(/^1\/8-2: manifest \S+ of 1 bytes is not JSON: /);
});

test('a run without checkpoints is reported in one line', async () => {
  expect(listTable(await storedRun(), [], new Date())).toBe(
    'run r: training, generation 1, attempt 2; no checkpoint yet',
  );
});
