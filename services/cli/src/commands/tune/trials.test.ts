import { describe, expect, test } from 'vitest';
import { rungsOf, settingsAt, TuneSpec, trialsOf } from './trials.js';

const spec = TuneSpec.parse({
  name: 'search',
  run: { student: { objective: [{ kind: 'task' }, { weight: 1 }] } },
  space: {
    weight: { from: 0.01, to: 100, scale: 'log', set: ['student.objective.1.weight'] },
    'student.learningRate': { values: [0.1, 0.2] },
  },
});

describe('the trials of a search', () => {
  test('are the same for the same draw, and others for another', () => {
    expect(trialsOf(spec)).toEqual(trialsOf(spec));
    expect(trialsOf({ ...spec, draw: 1 })).not.toEqual(trialsOf(spec));
  });

  test('lie in the space, as often below the middle of a logarithmic axis as above', () => {
    const points = trialsOf({ ...spec, trials: 400 }).map(({ point }) => point);
    const weights = points.map(({ weight }) => Number(weight));
    expect(Math.min(...weights)).toBeGreaterThanOrEqual(0.01);
    expect(Math.max(...weights)).toBeLessThanOrEqual(100);
    const below = weights.filter((weight) => weight < 1).length;
    expect(below).toBeGreaterThan(160);
    expect(below).toBeLessThan(240);
    expect(new Set(points.map((point) => point['student.learningRate']))).toEqual(new Set([0.1, 0.2]));
  });

  test('set what their axis names, in lists too, and leave the settings of the search alone', () => {
    const trial = { index: 0, point: { weight: 3, 'student.learningRate': 0.2 } };
    expect(settingsAt(spec, trial)).toEqual({
      student: { objective: [{ kind: 'task' }, { weight: 3 }], learningRate: 0.2 },
    });
    expect(spec.run).toEqual({ student: { objective: [{ kind: 'task' }, { weight: 1 }] } });
  });

  test('are refused where a path leads through a value', () => {
    const space = { x: { values: [1], set: ['student.objective.0.kind.deep'] } };
    expect(() => settingsAt(TuneSpec.parse({ ...spec, space }), { index: 0, point: { x: 1 } })).toThrow(
      'space: student.objective.0.kind.deep goes through kind, which is a value',
    );
  });
});

test('each rung has a third of the trials of the one before, and three times its epochs', () => {
  const rungs = rungsOf(spec);
  expect(rungs.map(({ trials }) => trials)).toEqual([27, 9, 3]);
  expect(rungs.map(({ share }) => share.toFixed(4))).toEqual(['0.1111', '0.3333', '1.0000']);
});
