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

test('who stops waiting is forgotten', async () => {
  const bell = createBell();
  const leave = new AbortController();
  const held = new WeakRef(leave);
  const heard = bell.heard(leave.signal);
  leave.abort();
  await heard;
  expect(held.deref()).toBeDefined();
  let rung = false;
  void bell.heard().then(() => {
    rung = true;
  });
  await Promise.resolve();
  expect(rung).toBe(false);
});
