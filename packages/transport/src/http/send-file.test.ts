import { expect, test } from 'vitest';
import { acceptsGzip, wantedRange } from './send-file.js';

test.each([
  ['bytes=0-', { offset: 0, length: 0 }],
  ['bytes=100-', { offset: 100, length: 0 }],
  ['bytes=0-0', { offset: 0, length: 1 }],
  ['bytes=100-199', { offset: 100, length: 100 }],
])('%s begins at an offset', (header, range) => {
  expect(wantedRange(header, undefined, '"a"')).toEqual(range);
  expect(wantedRange(header, '"a"', '"a"')).toEqual(range);
});

test.each([
  undefined,
  '',
  'bytes=-5',
  'bytes=5-4',
  'bytes=0-1,5-6',
  'lines=0-1',
  'bytes=1e3-',
  'bytes=99999999999999999999-',
  'bytes=0-99999999999999999999',
])('for %s the whole file is sent', (header) => {
  expect(wantedRange(header, undefined, '"a"')).toBeUndefined();
});

test('the whole file is sent to a client that has a part of another one', () => {
  expect(wantedRange('bytes=5-', '"b"', '"a"')).toBeUndefined();
  expect(wantedRange('bytes=5-', 'W/"a"', '"a"')).toBeUndefined();
});

test.each(['gzip', 'deflate, gzip, br', 'gzip;q=0.5', 'br;q=1.0, GZIP ; q=0.001'])('%j takes gzip', (header) => {
  expect(acceptsGzip(header)).toBe(true);
});

test.each(['', 'br', 'gzip;q=0', 'br, gzip; q=0.000', 'x-gzip'])('%j does not take gzip', (header) => {
  expect(acceptsGzip(header)).toBe(false);
});
