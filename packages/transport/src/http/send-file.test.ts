import { expect, test } from 'vitest';
import { acceptsGzip } from './send-file.js';

test.each(['gzip', 'deflate, gzip, br', 'gzip;q=0.5', 'br;q=1.0, GZIP ; q=0.001'])('%j takes gzip', (header) => {
  expect(acceptsGzip(header)).toBe(true);
});

test.each(['', 'br', 'gzip;q=0', 'br, gzip; q=0.000', 'x-gzip'])('%j does not take gzip', (header) => {
  expect(acceptsGzip(header)).toBe(false);
});
