import { ACCURACY } from '@trikd/core/tasks/classification/metrics';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { studyPage } from './page/html.js';
import { studyTables } from './page/markdown.js';
import type { Row } from './results-file.js';
import { bootstrapInterval, findingsOf, holm, sampleOf, tInterval, tTest } from './statistics.js';

const row = (arm: string, seed: number, accuracy: number): Row => ({
  ...{ setting: '', arm, seed, digest: `${arm}${seed}`, version: '1.0.0', numerics: 'TensorFlow' },
  result: {
    ...{ stage: 'student', step: 10, params: 'p' },
    train: { accuracy: accuracy + 0.1, nll: 0.2 },
    validation: { accuracy, nll: 0.5 },
    test: { accuracy, nll: 0.5 },
    calibrated: { temperature: 2, test: { accuracy, nll: 0.4, ece: 0.01 } },
  },
  stages: [],
  ...{ compute: arm === 'kd' ? 4e9 : 1e9, processorSeconds: 7, seconds: 5 },
});
const rows = [
  ...[row('ce', 0, 0.8), row('ce', 1, 0.82), row('ce', 2, 0.81)],
  // Better by 0.01, 0.02 and 0.03; seed 9 has no partner.
  ...[row('kd', 2, 0.84), row('kd', 0, 0.81), row('kd', 1, 0.84), row('kd', 9, 0.2)],
];
const outline = { settings: [''], arms: ['ce', 'kd', 'absent'], baselines: ['ce'] };
const findings = findingsOf(rows, outline, ACCURACY);

describe('the findings of a study', () => {
  test('compare an arm with a baseline over the seeds that both have', () => {
    const [difference] = findings[1]!.differences;
    expect(difference).toMatchObject({ baseline: 'ce', gain: { count: 3 } });
    expect(difference!.gain.mean).toBeCloseTo(0.02, 12);
    expect(difference!.gain.deviation).toBeCloseTo(0.01, 12);
    // 0.02 ± 4.302652729911275 · 0.01 / √3, t with two degrees of freedom.
    expect(difference!.t![0]).toBeCloseTo(0.02 - 0.024841377, 8);
    expect(difference!.p).toBeCloseTo(0.07418, 4);
  });

  test('count the processor seconds of the runs that have them, and show none where none has', () => {
    const { processorSeconds: _, ...unmeasured } = row('ce', 3, 0.8);
    const [some] = findingsOf([...rows, unmeasured], outline, ACCURACY);
    expect([some!.seeds.length, some!.processorSeconds?.count]).toEqual([4, 3]);
    const [none] = findingsOf([unmeasured], outline, ACCURACY);
    expect(none).not.toHaveProperty('processorSeconds');
  });

  test('have the arms with rows, in the order of the study', () => {
    expect(findings.map(({ arm, seeds }) => [arm, seeds])).toEqual([
      ['ce', [0, 1, 2]],
      ['kd', [0, 1, 2, 9]],
    ]);
    expect(findings[0]!.differences).toEqual([]);
    expect(findings[0]!.gap.mean).toBeCloseTo(0.1, 12);
  });
});

const facts = { name: 'trial', missing: 2, rows, findings, primary: ACCURACY, outline, trainImages: {} };

test('the table has shares in percent, and compute relative to the cheapest arm', () => {
  const text = studyTables(facts);
  expect(text).toContain('| ce | 3 | 81.00 ± 1.00 |  |');
  expect(text).toContain('2.00 [-0.48, 4.48], p 0.074');
  expect(text).toMatch(/\| kd .* \| 4\.00 \| 7 \|/);
});

test('arms and settings without a run are named', () => {
  const more = { ...facts, outline: { ...outline, settings: ['', 'more'] } };
  expect(studyTables(more)).toContain(
    '2 runs of the study have not been trained. Not run at all: `absent`; more: all arms.',
  );
});

test('no name of a study can add markup to its page', () => {
  const page = studyPage({ ...facts, name: '<script>alert(1)</script>' });
  expect(page).not.toContain('<script>');
  expect(page).toContain('&lt;script&gt;');
});

const values = [0.71, 0.16, 1.25, -0.3, 0.44];

describe('the statistics of five values', () => {
  // SciPy 1.16: t.interval(0.95, 4, loc=mean, scale=sem), ttest_1samp(values, 0).
  test('are those that SciPy computes', () => {
    const sample = sampleOf(values);
    expect(sample.mean).toBeCloseTo(0.452, 12);
    expect(sample.deviation).toBeCloseTo(0.5818676825533448, 12);
    const [from, to] = tInterval(sample)!;
    expect(from).toBeCloseTo(-0.2704841531447446, 8);
    expect(to).toBeCloseTo(1.1744841531447447, 8);
    expect(tTest(sample)).toBeCloseTo(0.15738945651940764, 8);
  });

  test('have a bootstrap interval that is narrower than that of t, and the same each time', () => {
    const [from, to] = bootstrapInterval(values)!;
    expect([from, to]).toEqual(bootstrapInterval(values));
    expect(from).toBeGreaterThan(-0.2704);
    expect(to).toBeLessThan(1.1744);
    expect(from).toBeLessThan(0.452);
    expect(to).toBeGreaterThan(0.452);
  });
});

test('a single value has no interval and no p', () => {
  expect([tInterval(sampleOf([3])), tTest(sampleOf([3])), bootstrapInterval([3])]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('a difference that is the same for every seed has p 0, and none at all p 1', () => {
  expect([tTest(sampleOf([2, 2, 2])), tTest(sampleOf([0, 0]))]).toEqual([0, 1]);
});

test('a bootstrap resample takes each value about as often as the others', () => {
  const [from, to] = bootstrapInterval(Array.from({ length: 400 }, (_, index) => index % 2))!;
  // Of 400 fair draws: 0.5 ± 1.96 · 0.025.
  expect(from).toBeCloseTo(0.451, 2);
  expect(to).toBeCloseTo(0.549, 2);
});

describe('the correction of Holm', () => {
  test('multiplies the smallest p by the number of comparisons, the next by one less, and never falls', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  });

  test('never lowers a p, and never exceeds 1', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }), (ps) => {
        for (const [index, p] of holm(ps).entries()) {
          expect(p).toBeGreaterThanOrEqual(ps[index]!);
          expect(p).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
