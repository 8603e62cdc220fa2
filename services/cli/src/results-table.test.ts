import { describe, expect, test } from 'vitest';
import { resultsTable } from './results-table.js';
import { best, result } from './testing/results.js';

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
