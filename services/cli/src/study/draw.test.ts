import { expect, test } from 'vitest';
import { rowsPlot, seriesPlot } from './draw.js';

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
