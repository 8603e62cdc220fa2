import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasUnprintable, markStyles, ownTextOnly, printable } from './printable.js';

test('what would move the cursor, colour the terminal or reorder text is written as an escape', () => {
  expect(printable('conv/kernel ä 🧪')).toBe('conv/kernel ä 🧪');
  expect(printable('\u001b[31mred\n\u0007\u009b\u202e\u{e0001}')).toBe(
    '\\u001b[31mred\\u000a\\u0007\\u009b\\u202e\\udb40\\udc01',
  );
});

describe('text for a terminal', () => {
  test('keeps line breaks and our own styles, and no style from elsewhere', () => {
    const own = markStyles('\u001b[31mfailed\u001b[39m');
    expect(ownTextOnly(`${own}\nnext \u001b[2Jline\t`)).toBe('\u001b[31mfailed\u001b[39m\nnext \\u001b[2Jline\\u0009');
  });

  test('has no control but a line break, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(hasUnprintable(ownTextOnly(text))).toBe(false);
      }),
    );
  });

  test('is valid JSON of the same value when it was JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(ownTextOnly(JSON.stringify({ text }, undefined, 2)))).toEqual({ text });
      }),
    );
  });
});
