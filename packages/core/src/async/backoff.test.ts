import { expect, test } from 'vitest';
import { createBackoff } from './backoff.js';

test('pauses double up to their bound, and start over when an attempt went well', () => {
  const backoff = createBackoff({ firstMs: 50, maxMs: 300, random: () => 1 });
  expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([50, 100, 200, 300, 300]);
  backoff.reset();
  expect(backoff.next()).toBe(50);
});

test('chance takes away at most half of a pause', () => {
  expect(createBackoff({ firstMs: 50, maxMs: 300, random: () => 0 }).next()).toBe(25);
});
