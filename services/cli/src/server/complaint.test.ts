import { TrikdError } from '@trikd/core/domain/errors';
import { describe, expect, test } from 'vitest';
import { complaint, statusOfRefusal } from './complaint.js';

describe('complaint', () => {
  test('says what to do when nobody answered a change: the same request again', () => {
    const text = complaint(new TrikdError('unavailable', 'nobody there'), { runId: 'r', requestId: 'id-1' });
    expect(text).toMatch(/^trikd: nobody there\n.*--request-id id-1 does nothing twice\n.*TRIKD_SERVER/);
  });

  test('names the command that shows why a state forbids something', () => {
    expect(complaint(new TrikdError('wrong-state', 'run r has ended'), { runId: 'r' })).toBe(
      'trikd: run r has ended\n`trikd runs get r` shows where it stands',
    );
  });
});

test('a refusal ends with 3, an absent server with 4, all else with 1', () => {
  const kinds = ['not-found', 'wrong-state', 'unavailable', 'invalid', 'corrupt'] as const;
  expect(kinds.map(statusOfRefusal)).toEqual([3, 3, 4, 1, 1]);
});
