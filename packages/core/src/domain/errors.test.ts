import { expect, test } from 'vitest';
import { TrikdError } from './errors.js';

test('a message shows the control characters of what it quotes as escapes, and keeps its line breaks', () => {
  expect(new TrikdError('invalid', 'no run \u001b[31mred\u0007\u009b:\n  a\tb').message).toBe(
    'no run \\u001b[31mred\\u0007\\u009b:\n  a\\u0009b',
  );
});

test('a message of any length is cut to 4,000 characters', () => {
  const { message } = new TrikdError('invalid', 'x'.repeat(1e6));
  expect(message).toBe(`${'x'.repeat(4000)}...`);
});
