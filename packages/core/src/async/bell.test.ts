import { expect, test } from 'vitest';
import { createBell } from './bell.js';

test('a ring wakes all who wait, and nobody who comes later', async () => {
  const bell = createBell();
  const woken: string[] = [];
  const wait = (name: string) => bell.heard().then(() => woken.push(name));
  const both = Promise.all([wait('first'), wait('second')]);
  bell.ring();
  void wait('third');
  await both;
  expect(woken).toEqual(['first', 'second']);
});

test('who stops waiting is woken at once, and nobody else', async () => {
  const bell = createBell();
  const woken: string[] = [];
  const leave = new AbortController();
  const heard = bell.heard(leave.signal).then(() => woken.push('who leaves'));
  const other = bell.heard().then(() => woken.push('who stays'));
  leave.abort();
  await heard;
  expect(woken).toEqual(['who leaves']);
  bell.ring();
  await other;
  expect(woken).toEqual(['who leaves', 'who stays']);
});
