import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { appendRow, type Row, readRows, removeCutLine } from './results-file.js';

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-results-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'results.jsonl');
}

const row = (seed: number): Row => ({
  ...{ setting: '', arm: 'ce', seed, digest: 'd', version: '1', numerics: 'n' },
  result: { stage: 's', step: 1, params: 'p', train: {}, validation: {}, test: {} },
  ...{ stages: [], compute: 1, processorSeconds: 1, seconds: 1 },
});

test('rows are read back as they were appended', () => {
  const path = file();
  expect(readRows(path)).toEqual([]);
  for (const seed of [0, 1]) appendRow(path, row(seed));
  expect(readRows(path)).toEqual([row(0), row(1)]);
});

test('a last line that was cut off is left out, and removed before the next row', () => {
  const path = file();
  appendRow(path, row(0));
  writeFileSync(path, `${readFileSync(path, 'utf8')}{"setting":"","ar`);
  expect(readRows(path)).toEqual([row(0)]);
  removeCutLine(path);
  appendRow(path, row(1));
  expect(readRows(path)).toEqual([row(0), row(1)]);
});

test('a damaged line is refused by its number', () => {
  const path = file();
  appendRow(path, row(0));
  writeFileSync(path, `${readFileSync(path, 'utf8')}nonsense\n`);
  expect(() => readRows(path)).toThrow('results.jsonl:2 is no result of a study');
});
