import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ownTextOnly } from './printable.js';
import { age, formatted, size } from './texts.js';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [66_096, '66.1 kB'],
  [999_499, '999 kB'],
  [999_500, '1.00 MB'],
  [25_600_000, '25.6 MB'],
  [4.2e15, '4.20 PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(size(bytes)).toBe(text);
});

test.each([
  ['2026-01-02T00:00:00Z', '0 seconds'],
  ['2026-01-01T23:59:59Z', '1 second'],
  ['2026-01-01T23:58:01Z', '1 minute'],
  ['2026-01-01T21:00:00Z', '3 hours'],
  ['2025-12-30T23:00:00Z', '2 days'],
  ['2026-01-03T00:00:00Z', '0 seconds'],
  [undefined, ''],
])('what was written at %s is %j old', (time, text) => {
  expect(age(time, new Date('2026-01-02T00:00:00Z'))).toBe(text);
});

test('a result is JSON or YAML', () => {
  expect(formatted({ a: [1] }, 'json')).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(formatted({ a: [1] }, 'yaml')).toBe('a:\n  - 1');
});

test('a result in YAML has the same value when its control characters were escaped', () => {
  const value = { reason: 'a\u009b2J\u202eb', many: 'lines\nof \u001b[31mtext', plain: 'text' };
  expect(parse(ownTextOnly(formatted(value, 'yaml')))).toEqual(value);
});
