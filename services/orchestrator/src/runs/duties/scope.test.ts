import { expect, test } from 'vitest';
import { exchangeSecrets } from './scope.js';

const attempt = { runId: 'r', stage: 1, attempt: 2 };

test('an attempt keeps its secret, and no other attempt or drive has it', () => {
  const secretOf = exchangeSecrets(Buffer.from('one'));
  const secret = secretOf(attempt);
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  expect(secretOf({ ...attempt })).toBe(secret);
  expect(secretOf({ ...attempt, attempt: 3 })).not.toBe(secret);
  expect(secretOf({ ...attempt, runId: 's' })).not.toBe(secret);
  expect(exchangeSecrets(Buffer.from('another'))(attempt)).not.toBe(secret);
});
