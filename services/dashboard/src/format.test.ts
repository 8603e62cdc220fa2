import { expect, test } from 'vitest';
import { bytes, count, duration, milliseconds, value } from './format.js';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '0.977 KiB'],
  [642_000_000, '612 MiB'],
  [3.5 * 1024 ** 3, '3.5 GiB'],
  [1023 * 1024 ** 2, '0.999 GiB'],
])('%d bytes are %s', (size, text) => {
  expect(bytes(size)).toBe(text);
});

test.each([
  [0, '0 s'],
  [75, '1 min 15 s'],
  [3600, '1 h'],
  [93_784, '1 d 2 h'],
  [-5, '0 s'],
])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));

test.each([
  [0.123, '0.12 ms'],
  [12.34, '12.3 ms'],
  [999.4, '999 ms'],
  [1234, '1.23 s'],
  [123_456, '123.5 s'],
])('%d ms are %s', (number, text) => expect(milliseconds(number)).toBe(text));

test.each([
  [undefined, '–'],
  [Number.NaN, '–'],
  [0, '0.0000'],
  [0.45, '0.4500'],
  [0.00001, '1.00e-5'],
  [1.3635006312654832e19, '1.36e19'],
  [123.456, '123.5'],
])('the value %s is written %s', (number, text) => expect(value(number)).toBe(text));

test('thousands are separated', () => expect(count(1_234_567)).toBe('1\u202f234\u202f567'));
