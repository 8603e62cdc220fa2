import { expect, test } from 'vitest';
import { bytes } from './bytes.js';

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
