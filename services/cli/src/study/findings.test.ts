import { ACCURACY } from '@trikd/core/tasks/classification/metrics';
import { describe, expect, test } from 'vitest';
import { findingsOf } from './findings.js';
import { studyPage } from './html.js';
import { studyTables } from './markdown.js';
import type { Row } from './row.js';

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
