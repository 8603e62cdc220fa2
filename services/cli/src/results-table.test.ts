import type { GenerationResult } from '@trikd/core/run/state';
import { specFor } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { resultsTable, whatNext } from './results-table.js';

const score = (accuracy: number) => ({ accuracy, nll: 0.5, examples: 100 });
const best = (accuracy: number) => ({
  step: 300,
  validation: score(accuracy),
  test: { ...score(accuracy - 0.01), nll: 0.61234 },
  params: { key: 'p', sha256: 'a'.repeat(64), bytes: 1 },
});
const result = (generation: number, student: number, promoted: boolean): GenerationResult => ({
  generation,
  steps: 360,
  student: best(student),
  teacher: best(0.9),
  ...(generation > 0 && { anchorScores: { validation: score(0.8), test: score(0.79) } }),
  promoted,
  studentStateSha256: 'b'.repeat(64),
  teacherStateSha256: 'c'.repeat(64),
  pair: { step: 360, manifestKey: 'm' },
});
const spec = specFor('bare');

const cells = (table: string, row: number) =>
  (table.split('\n').filter((line) => line.includes('│'))[row] ?? '')
    .split('│')
    .slice(1, -1)
    .map((cell) => cell.trim());

describe('resultsTable', () => {
  const table = resultsTable([result(0, 0.8, true), result(1, 0.82, false), result(2, 0.81, false)], 1);

  test('has a row for each model of each generation', () => {
    expect(table.split('\n').filter((line) => line.includes('│'))).toHaveLength(1 + 2 + 3 + 3);
    expect(cells(table, 1)).toEqual(['0', 'student', '80.00 %', '79.00 %', '0.6123', '300', 'promoted']);
    expect(cells(table, 5)).toEqual(['', 'anchor', '80.00 %', '79.00 %', '0.5000', '', '']);
  });

  test('says which students were promoted and which one is the result', () => {
    expect([1, 3, 6].map((row) => cells(table, row)[6])).toEqual(['promoted', 'not promoted, best', '']);
  });

  test('leaves out what is not known', () => {
    const { test: _test, ...untested } = best(0.8);
    const bare = resultsTable([{ ...result(0, 0.8, true), student: untested }], 0);
    expect(cells(bare, 1)).toEqual(['0', 'student', '80.00 %', '', '', '300', 'promoted, best']);
  });
});

describe('whatNext', () => {
  test('proposes more generations while they help, and another seed otherwise', () => {
    expect(whatNext(spec, [result(0, 0.8, true), result(1, 0.82, false)])).toContain('--set curriculum.generations=5');
    expect(whatNext(spec, [result(0, 0.82, true), result(1, 0.8, false)])).toContain(
      '--seed 1 --set name=trial-seed-1',
    );
  });
});
