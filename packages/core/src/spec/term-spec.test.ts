import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Amount, PositiveAmount } from './fields.js';
import { plainIssue } from './plain-issue.js';
import { isEverPositive, type Scheduled, scheduled, valueAt } from './term-spec.js';

const at = (schedule: Scheduled, step: number, totalSteps = 100, generation = 0) =>
  valueAt(schedule, { step, totalSteps, generation });

type Curve = 'linear' | 'step' | 'cosine';
const curve = fc.constantFrom<Curve>('linear', 'step', 'cosine');
/** Points at distinct hundredths, ascending. */
const points = fc
  .uniqueArray(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 6 })
  .chain((places) =>
    fc.tuple(
      fc.constant(places.toSorted((a, b) => a - b).map((place) => place / 100)),
      fc.array(fc.double({ min: 0, max: 1e3, noNaN: true }), { minLength: places.length, maxLength: places.length }),
    ),
  )
  .map(([places, values]) => places.map((place, i): [number, number] => [place, values[i]!]));

describe('a schedule', () => {
  test('that is a number has its value always', () => {
    expect([0, 50, 99].map((step) => at(0.3, step, 100, step))).toEqual([0.3, 0.3, 0.3]);
  });

  test('is exact at its points, whatever the curve', () => {
    fc.assert(
      fc.property(points, curve, (all, shape) => {
        for (const [place, value] of all) {
          expect(at({ points: all, curve: shape }, Math.round(100 * place))).toBe(value);
        }
      }),
    );
  });

  test('stays between the values of the points around a step', () => {
    fc.assert(
      fc.property(points, curve, fc.integer({ min: 0, max: 100 }), (all, shape, step) => {
        const before = all.findLast(([place]) => place <= step / 100) ?? all[0]!;
        const after = all.find(([place]) => place >= step / 100) ?? all.at(-1)!;
        const value = at({ points: all, curve: shape }, step);
        expect(value).toBeGreaterThanOrEqual(Math.min(before[1], after[1]));
        expect(value).toBeLessThanOrEqual(Math.max(before[1], after[1]));
      }),
    );
  });

  test('rises where its points rise', () => {
    fc.assert(
      fc.property(points, curve, (all, shape) => {
        const sorted = all.map(([, value]) => value).toSorted((a, b) => a - b);
        const rising = { points: all.map(([place], i): [number, number] => [place, sorted[i]!]), curve: shape };
        const values = Array.from({ length: 301 }, (_, step) => at(rising, step, 300));
        for (const [i, value] of values.slice(1).entries()) expect(value).toBeGreaterThanOrEqual(values[i]!);
      }),
    );
  });

  test('has its first value before the first point and its last after the last', () => {
    const schedule: Scheduled = {
      points: [
        [0.25, 2],
        [0.5, 6],
      ],
    };
    expect([0, 24, 25, 50, 51, 99].map((step) => at(schedule, step))).toEqual([2, 2, 2, 6, 6, 6]);
  });

  test.each<[Curve | undefined, number[]]>([
    [undefined, [0, 2, 4, 6, 8]],
    ['linear', [0, 2, 4, 6, 8]],
    ['cosine', [0, 1.172, 4, 6.828, 8]],
    ['step', [0, 0, 0, 0, 8]],
  ])('goes from point to point along its curve: %s', (shape, expected) => {
    const schedule = {
      points: [
        [0, 0],
        [0.4, 8],
      ] as [number, number][],
      ...(shape && { curve: shape }),
    };
    const values = [0, 10, 20, 30, 40].map((step) => at(schedule, step));
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 3);
  });

  test('steps at the first step that is not before its point, for any length of a stage', () => {
    for (const [place, total] of [
      [0.7, 10],
      [0.1, 30],
      [0.3, 10],
    ] as const) {
      const schedule: Scheduled = {
        points: [
          [0, 1],
          [place, 0],
        ],
        curve: 'step',
      };
      const first = Math.round(place * total);
      expect([at(schedule, first - 1, total), at(schedule, first, total)]).toEqual([1, 0]);
    }
  });

  test('by generation has an entry for each, and the last goes on', () => {
    const schedule: Scheduled = {
      byGeneration: [
        1,
        {
          points: [
            [0, 0],
            [1, 4],
          ],
        },
        0.5,
      ],
    };
    expect([0, 1, 2, 9].map((generation) => at(schedule, 50, 100, generation))).toEqual([1, 2, 0.5, 0.5]);
  });

  test('is ever positive in a generation in which one of its points is', () => {
    const schedule: Scheduled = {
      byGeneration: [
        0,
        {
          points: [
            [0, 0],
            [1, 4],
          ],
        },
        { points: [[0.5, 0]] },
      ],
    };
    expect([0, 1, 2, 3].map((generation) => isEverPositive(schedule, generation))).toEqual([false, true, false, false]);
    expect([isEverPositive(0, 0), isEverPositive(1, 5)]).toEqual([false, true]);
  });
});

describe('a setting that may be a schedule', () => {
  const mistakes = (value: unknown, of = Amount) =>
    (scheduled(of).safeParse(value, { error: plainIssue }).error?.issues ?? []).map(({ path, message }) =>
      [...path, message].join(': '),
    );
  const expected = 'expected a number, or a schedule such as { points: [[0, 0], [0.1, 1]] }';

  test.each([
    [2],
    [{ points: [[0, 1]] }],
    [
      {
        points: [
          [0, 1],
          [1, 0],
        ],
        curve: 'cosine',
      },
    ],
    [{ byGeneration: [1, { points: [[0.5, 2]] }] }],
  ])('accepts %j', (value) => {
    expect(mistakes(value)).toEqual([]);
  });

  test.each<[unknown, string]>([
    [-1, 'expected at least 0'],
    ['1', expected],
    [null, expected],
    [[[0, 1]], expected],
    [{}, `${expected}; points: missing: expected a list`],
    [{ points: [] }, 'points: expected at least 1 item'],
    [{ points: [[0, -1]] }, 'points: 0: 1: expected at least 0'],
    [
      {
        points: [
          [0, 1],
          [1.5, 1],
        ],
      },
      'points: 1: 0: expected at most 1',
    ],
    [
      {
        points: [
          [0.5, 1],
          [0.5, 2],
        ],
      },
      'points: points must ascend, such as [[0, 0], [0.1, 1]]',
    ],
    [{ points: [[0]] }, `${expected}; points: 0: expected at least 2 items`],
    [{ points: [[0, 1]], curve: 'sine' }, `${expected}; curve: expected linear, step or cosine`],
    [{ points: [[0, 1]], curv: 'step' }, 'there is no setting curv'],
    [{ byGeneration: [] }, 'byGeneration: expected at least 1 item'],
    [{ byGeneration: [1, 'x'] }, `${expected}; byGeneration: 1: ${expected}`],
  ])('refuses %j, by name', (value, message) => {
    expect(mistakes(value)).toEqual([message]);
  });

  test('refuses a point at which a temperature would be 0', () => {
    expect(
      mistakes(
        {
          points: [
            [0, 4],
            [1, 0],
          ],
        },
        PositiveAmount,
      ),
    ).toEqual(['points: 1: 1: expected more than 0']);
  });
});
