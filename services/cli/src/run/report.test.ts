import { describe, expect, test } from 'vitest';
import { alone, best, kdSpec, result, spec } from '../testing/results.js';
import { resultsTable, shownResults, whatNext } from './report.js';

const started = {
  file: 'my specs/a.yaml',
  overrides: [
    { path: ['epochs'], value: '12' },
    { path: ['name'], value: 'trial' },
    { path: ['teacher', 'objective'], value: '[{ kind: task }]' },
  ],
};
const same = "trikd run 'my specs/a.yaml' --set epochs=12 --set 'teacher.objective=[{ kind: task }]'";

describe('the next command keeps the settings of the run', () => {
  test('and asks for more stages while they help', () => {
    expect(whatNext(spec, [result(0, 0.8, true), result(1, 0.82, false)], started)).toBe(
      `the last generation was the best, so try more: ${same} --set curriculum.generations=5 --set name=trial-longer`,
    );
  });

  test('and otherwise asks for another seed', () => {
    expect(whatNext(spec, [result(0, 0.82, true), result(1, 0.8, false)], started)).toBe(
      `one seed proves little, so try another: ${same} --seed 1 --set name=trial-seed-1`,
    );
  });

  test('and asks for no more stages of a method whose stages are fixed', () => {
    const results = [alone(0, 'teacher', 0.8), alone(1, 'student', 0.9)];
    expect(whatNext(kdSpec, results, started)).toMatch(/^one seed proves little/);
  });
});

const cells = (table: string, row: number) =>
  (table.split('\n').filter((line) => line.includes('│'))[row] ?? '')
    .split('│')
    .slice(1, -1)
    .map((cell) => cell.trim());

describe('resultsTable', () => {
  const results = [result(0, 0.8, true), result(1, 0.82, false), result(2, 0.81, false)];
  const table = resultsTable(shownResults(spec, results), 1);

  test('has a row for each model of each stage', () => {
    expect(table.split('\n').filter((line) => line.includes('│'))).toHaveLength(1 + 2 + 3 + 3);
    expect(cells(table, 0)).toEqual(['stage', 'model', 'validation', 'test', 'NLL (test)', 'steps', '']);
    expect(cells(table, 1)).toEqual(['0', 'student', '80.00 %', '79.00 %', '0.6123', '300', 'promoted']);
    expect(cells(table, 5)).toEqual(['', 'anchor', '80.00 %', '79.00 %', '0.5000', '', '']);
  });

  test('says which students were promoted and which one is the result', () => {
    expect([1, 3, 6].map((row) => cells(table, row)[6])).toEqual(['promoted', 'not promoted, best', '']);
  });

  test('leaves out what is not known', () => {
    const { test: _test, ...untested } = best(0.8);
    const [shown] = shownResults(spec, [result(0, 0.8, true)]);
    const bare = resultsTable([{ ...shown!, learners: { student: untested } }], 0);
    expect(cells(bare, 1)).toEqual(['0', 'student', '80.00 %', '', '', '300', 'promoted, best']);
  });

  test('names the stages of another method, of which none is promoted', () => {
    const frozen = { teacher: { validation: best(0.9).validation, test: best(0.9).test } };
    const stages = [alone(0, 'teacher', 0.9), { ...alone(1, 'student', 0.85), frozen }];
    const other = resultsTable(shownResults(kdSpec, stages), 1);
    expect([0, 1, 2, 3].map((row) => cells(other, row).filter((_, at) => at !== 4))).toEqual([
      ['stage', 'model', 'validation', 'test', 'steps', ''],
      ['0 teacher', 'teacher', '90.00 %', '89.00 %', '300', ''],
      ['1 student', 'student', '85.00 %', '84.00 %', '300', 'best'],
      ['', 'teacher', '90.00 %', '89.00 %', '', ''],
    ]);
  });
});
