import { expect, test } from 'vitest';
import { detailsText, mostConfused } from './details-text.js';

const confusion = [
  { label: 0, answer: 0, examples: 5 },
  { label: 0, answer: 1, examples: 1 },
  { label: 1, answer: 0, examples: 2 },
];

const classes = (count: number) => ({
  kind: 'classes' as const,
  classes: Array.from({ length: count }, (_, label) => ({ label, support: 6, precision: 5 / 7 })),
  confusion,
  calibration: [{ from: 0.6, to: 2 / 3, examples: 8, confidence: 0.65, right: 0.5 }],
  worst: [{ index: 7, label: 1, answer: 0, confidence: 0.99, nll: 4.6 }],
});

test('a table of classes has their names, and a dash for a share of nothing', () => {
  const text = detailsText(classes(2), ['cat', 'dog']);
  expect(text).toMatch(/│ cat +│ +71\.43 % │ +- │ +- │ +6 │/);
  expect(text).toMatch(/│ dog +│ +2 │ +│/);
  expect(text).toContain('image 7: dog, taken for cat with 99.00 %');
  expect(text).toMatch(/60 % to 67 % │ 65\.00 % │ 50\.00 % │ +8 │ █{20} /);
});

test('instead of a matrix that is too wide the most frequent wrong answers are listed', () => {
  const text = detailsText(classes(30), undefined);
  expect(text).toContain('The most frequent wrong answers:\n  1 taken for 0: 2\n  0 taken for 1: 1\n');
  expect(mostConfused(confusion).map(({ examples }) => examples)).toEqual([2, 1]);
});

test('pairs are shown by their similarity', () => {
  const text = detailsText(
    {
      kind: 'pairs',
      ...{ roc: [], area: 0.98765 },
      similarities: [
        { from: -1, to: -0.95, same: 0, different: 0 },
        { from: 0.5, to: 0.55, same: 4, different: 1 },
      ],
      worst: [{ left: 3, right: 4, same: true, similarity: 0.512 }],
    },
    undefined,
  );
  expect(text).toContain('area below the ROC curve: 0.9877');
  expect(text).toMatch(/0\.50 to 0\.55 │ +4 │ █{20} │ +1 │ █{5} /);
  expect(text).not.toContain('-1.00');
  expect(text).toContain('images 3 and 4: 0.5120');
});
