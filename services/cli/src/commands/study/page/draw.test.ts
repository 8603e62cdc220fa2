import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logTicks, rowsPlot, seriesPlot, ticks, widened } from './draw.js';

test('a row has its name, its value, and dots beside it; a line crosses all rows', () => {
  const plot = rowsPlot([{ name: '<a>', value: 2, interval: [1, 3], dots: [1, 2, 3] }], {
    axis: 'ms',
    what: 'a plot',
    lines: [{ name: 'limit', value: 1.5 }],
  });
  expect(plot).toContain('&lt;a&gt;');
  expect(plot).not.toContain('<a>');
  expect(plot.match(/class="seed"/g)).toHaveLength(3);
  expect(plot).toContain('<title>limit: 1.5</title>');
});

test('a series is a line through its points, each with the bar of its interval', () => {
  const points = [10, 100].map((x) => ({ x, y: x, interval: [x - 1, x + 1] as const }));
  const plot = seriesPlot([{ name: 'one', points }], 'images', 'ms', 'a plot');
  expect(plot.match(/<polyline/g)).toHaveLength(1);
  expect(plot.match(/<circle[^>]*r="4"><title>/g)).toHaveLength(2);
});

test('marks of an axis are round numbers within it', () => {
  expect(ticks(79.3, 84.1)).toEqual([80, 81, 82, 83, 84]);
  expect(ticks(0.48, 0.61).map((value) => value.toFixed(2))).toEqual(['0.50', '0.55', '0.60']);
});

test('an axis has from two to eight marks', () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(number, fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (from, length) => {
      const marks = ticks(from, from + length);
      expect(marks.length).toBeGreaterThanOrEqual(2);
      expect(marks.length).toBeLessThanOrEqual(8);
    }),
  );
});

test('a logarithmic axis has 1, 2 and 5 times the powers of ten', () => {
  expect(logTicks(3, 120)).toEqual([5, 10, 20, 50, 100]);
});

test('a range of one value is widened to a range', () => {
  const [low, high] = widened([3, 3]);
  expect(low).toBeLessThan(3);
  expect(high).toBeGreaterThan(3);
});
