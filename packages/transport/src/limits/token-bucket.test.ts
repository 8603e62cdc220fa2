import { describe, expect, test } from 'vitest';
import { type Bucket, takeToken } from './token-bucket.js';

const rate = { burst: 3, perSecond: 2 };

/** Takes a token at each of the times. */
function takeAt(...times: number[]): readonly string[] {
  let bucket: Bucket | undefined;
  return times.map((now) => {
    const taken = takeToken(bucket, rate, now);
    if (taken.kind === 'empty') return `wait ${taken.waitMs}`;
    ({ bucket } = taken);
    return 'taken';
  });
}

describe('a token bucket', () => {
  test('has a burst of tokens, then says how long the next one takes', () => {
    expect(takeAt(0, 0, 0, 0, 200)).toEqual(['taken', 'taken', 'taken', 'wait 500', 'wait 300']);
  });

  test('refills at its rate', () => {
    expect(takeAt(0, 0, 0, 500, 500, 1000)).toEqual(['taken', 'taken', 'taken', 'taken', 'wait 500', 'taken']);
  });

  test('never holds more than its burst', () => {
    expect(takeAt(0, 1e9, 1e9, 1e9, 1e9)).toEqual(['taken', 'taken', 'taken', 'taken', 'wait 500']);
  });
});
