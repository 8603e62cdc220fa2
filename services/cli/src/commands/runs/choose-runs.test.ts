import { describe, expect, test } from 'vitest';
import { chosenRuns, filterIn, type RunField } from './choose-runs.js';

const run = (fields: Readonly<Record<string, RunField>>) => ({ fields: new Map(Object.entries(fields)) });
const runs = [
  run({ run: 'lr-45', method: 'kd', accuracy: 0.9, 'student.learningRate': 0.45 }),
  run({ run: 'lr-5', method: 'kd', 'student.learningRate': 0.05 }),
  run({ run: 'mutual', method: 'dml', accuracy: 0.95 }),
];
const names = (chosen: typeof runs | readonly (typeof runs)[number][]) => chosen.map(({ fields }) => fields.get('run'));
const filtered = (...texts: readonly string[]) => names(chosenRuns(runs, texts.map(filterIn)));

describe('chosen runs', () => {
  test('are sorted by name as people count', () => expect(filtered()).toEqual(['lr-5', 'lr-45', 'mutual']));

  test.each([
    [['method=kd'], ['lr-5', 'lr-45']],
    [['method!=kd'], ['mutual']],
    [['run=lr-*'], ['lr-5', 'lr-45']],
    [['run=l.*'], []],
    [['accuracy>0.9'], ['mutual']],
    [['accuracy>=0.9', 'method=kd'], ['lr-45']],
    [['student.learningRate<0.1'], ['lr-5']],
    [['student.learningRate=0.050'], ['lr-5']],
    [['accuracy<=abc'], []],
  ])('are those for which %j holds', (filters, chosen) => expect(filtered(...filters)).toEqual(chosen));

  test('without the field that sorts come last in either direction', () => {
    const sorted = (descending: boolean) => names(chosenRuns(runs, [], { field: 'accuracy', descending }));
    expect(sorted(false)).toEqual(['lr-45', 'mutual', 'lr-5']);
    expect(sorted(true)).toEqual(['mutual', 'lr-45', 'lr-5']);
  });

  test('cannot be chosen by a field that no run can have; one that none has chooses none', () => {
    expect(() => filtered('acuracy>0.5')).toThrow('runs have no field acuracy; did you mean accuracy?');
    expect(filtered('top5>0.5')).toEqual([]);
  });
});
