import { expect, test } from 'vitest';
import { rangeOf, smoothed } from './plot-range.js';
import type { Plot } from './series.js';

const plot = (split: 'train' | 'validation', values: readonly number[], more: Partial<Plot> = {}): Plot => ({
  ...{ title: 'Accuracy', axis: 'accuracy', share: false },
  steps: values.map((_, index) => index + 1),
  series: [{ name: 'student', colour: 'student', learner: 'student', split, values }],
  marks: [{ at: 0, stage: 0, label: '0', short: 'g0' }],
  ...more,
});
const all = { from: 0, to: Number.POSITIVE_INFINITY, whole: false, log: false };
const rising = Array.from({ length: 100 }, (_, index) => (index < 9 ? index : 80 + index / 100));

test('the start of a stage does not hide the differences after it', () => {
  const [low, high] = rangeOf(plot('validation', rising), all) ?? [];
  expect(low).toBeGreaterThan(80);
  expect(high).toBeLessThan(82);
  expect(rangeOf(plot('validation', rising), { ...all, whole: true })?.[0]).toBeLessThan(0);
});

test('every stage has a start', () => {
  const marks = [0, 100].map((at, stage) => ({ at, stage, label: '', short: '' }));
  const [low] = rangeOf(plot('validation', [...rising, ...rising], { marks }), all) ?? [];
  expect(low).toBeGreaterThan(80);
});

test('single batches may lie outside, validations never', () => {
  const values = Array.from({ length: 100 }, (_, index) => (index === 50 ? 1000 : 1 + index / 100));
  expect(rangeOf(plot('train', values), all)?.[1]).toBeLessThan(3);
  expect(rangeOf(plot('validation', values), all)?.[1]).toBeGreaterThan(1000);
});

test('only the steps that are shown count', () => {
  expect(rangeOf(plot('validation', [1, 2, 3, 4]), { ...all, from: 2, to: 3, whole: true })).toEqual([1.94, 3.06]);
});

test('a share stays between 0 and 1, and a constant has room', () => {
  expect(rangeOf(plot('validation', [0, 1], { share: true }), { ...all, whole: true })).toEqual([0, 1]);
  expect(rangeOf(plot('validation', [5, 5]), all)).toEqual([4.7, 5.3]);
});

test('a logarithmic axis begins above 0', () => {
  const [low, high] = rangeOf(plot('train', [0, 1, 100]), { ...all, whole: true, log: true }) ?? [];
  expect(low).toBeGreaterThan(0.5);
  expect(high).toBeGreaterThan(100);
});

test('a plot without values has no range', () => {
  expect(rangeOf(plot('train', []), all)).toBeUndefined();
});

test('a constant stays as it is from its first value on', () => {
  expect(smoothed([3, undefined, 3, 3], 0.9).map((each) => each?.toFixed(9))).toEqual([
    ...['3.000000000', undefined, '3.000000000', '3.000000000'],
  ]);
});

test('a mean follows its values, with half the weight on the newest at weight 0.5', () => {
  const [, second, third] = smoothed([0, 1, 1], 0.5);
  expect(second).toBeCloseTo(2 / 3);
  expect(third).toBeCloseTo(6 / 7);
});

test('a mean begins anew where it is told, and weight 0 changes nothing', () => {
  expect(smoothed([5, 1], 0.9, new Set([1]))).toEqual([5, expect.closeTo(1)]);
  expect(smoothed([5, 1, 2], 0)).toEqual([5, 1, 2]);
});
