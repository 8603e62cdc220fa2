import { describe, expect, test } from 'vitest';
import { whatNext } from './next-command.js';
import { alone, kdSpec, result, spec } from './testing/results.js';

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
  test('and asks for more generations while they help', () => {
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
