import { expect, test } from 'vitest';
import { createBell } from './bell.js';

test('a ring wakes all waiters, and no later ones', async () => {
  const bell = createBell();
  const woken: string[] = [];
  const wait = (name: string) => bell.heard().then(() => woken.push(name));
  const both = Promise.all([wait('first'), wait('second')]);
  bell.ring();
  void wait('third');
  await both;
  expect(woken).toEqual(['first', 'second']);
});

test('a waiter whose signal aborts is woken at once, and no other', async () => {
  const bell = createBell();
  const woken: string[] = [];
  const leave = new AbortController();
  const heard = bell.heard(leave.signal).then(() => woken.push('aborted'));
  const other = bell.heard().then(() => woken.push('other'));
  leave.abort();
  await heard;
  expect(woken).toEqual(['aborted']);
  bell.ring();
  await other;
  expect(woken).toEqual(['aborted', 'other']);
});
