import { expect, test } from 'vitest';
import { durationText, timeLeft } from './time-left.js';

test('the time that is left follows from the cost of what is done', () => {
  let now = 0;
  const left = timeLeft([1, 1, 8], () => now);
  expect(left.text()).toBe('0 of 3 done');
  now = 10;
  left.done(1);
  expect(left.text()).toBe('1 of 3 done, 90 s left');
  left.done(1);
  left.done(8);
  expect(left.text()).toBe('3 of 3 done');
});

test('what had ended before says nothing about the speed', () => {
  let now = 0;
  const left = timeLeft([50, 1, 9], () => now);
  left.skip(50);
  expect(left.text()).toBe('1 of 3 done');
  now = 10;
  left.done(1);
  expect(left.text()).toBe('2 of 3 done, 90 s left');
});

test('durations are in seconds, minutes or hours', () => {
  expect([34.4, 130, 7500].map(durationText)).toEqual(['34 s', '2 min', '2 h 5 min']);
});
