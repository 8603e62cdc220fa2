import { TrikdError } from '@trikd/core/domain/errors';
import { describe, expect, test } from 'vitest';
import { errorText, exitStatusFor } from './error-report.js';

describe('the text of an error', () => {
  test('offers the same request again when a change was not answered', () => {
    const text = errorText(new TrikdError('unavailable', 'no answer'), { runId: 'r', requestId: 'id-1' });
    expect(text).toMatch(/^trikd: no answer\n.*--request-id id-1 is safe\n.*TRIKD_SERVER/);
  });

  test('names the command that shows why a state forbids something', () => {
    expect(errorText(new TrikdError('wrong-state', 'run r has ended'), { runId: 'r' })).toBe(
      'trikd: run r has ended\n`trikd runs get r` shows its state',
    );
  });
});

test('a rejected request ends with 3, an absent server with 4, a damaged object with 1', () => {
  const kinds = ['not-found', 'wrong-state', 'invalid', 'unavailable', 'corrupt'] as const;
  expect(kinds.map((kind) => exitStatusFor(kind))).toEqual([3, 3, 3, 4, 1]);
  expect(exitStatusFor('invalid', { offline: true })).toBe(1);
});
