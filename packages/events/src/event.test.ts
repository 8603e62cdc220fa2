import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventName, eventNumber } from './event.js';

test('an event is named by the term of its leader and a count', () => {
  expect([1, 4294967298, 3 * 2 ** 32 + 70_000].map(eventName)).toEqual(['0.1', '1.2', '3.70000']);
});

test('the name of an event and its number mean the same event', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (number) => {
      expect(eventNumber(eventName(number))).toBe(number);
      expect(eventNumber(String(number))).toBe(number);
    }),
  );
});

test.each(['', '1.', '.2', '1.2.3', '-1', '1e3', '9007199254740993'])('%j names no event', (text) => {
  expect(eventNumber(text)).toBeUndefined();
});
