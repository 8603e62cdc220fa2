import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { expect, test } from 'vitest';
import { DEFAULT_HTTP_LIMITS } from './http-limits.js';
import { createRequestGuard } from './request-guard.js';

test('a refused request is counted under the name of its limit', () => {
  const refused: string[] = [];
  const limits = { ...DEFAULT_HTTP_LIMITS, streams: 1, callsPerCaller: 1 };
  const guard = createRequestGuard(limits, virtualClock(), (limit) => refused.push(limit));
  for (const call of [
    { caller: 'ann', method: 'GET /api/events', streams: true },
    { caller: 'ann', method: 'GET /api/runs', streams: false },
  ]) {
    guard.begin(call);
    expect(() => guard.begin(call)).toThrow(' allows 1 ');
  }
  expect(refused).toEqual(['http.limits.streams', 'http.limits.callsPerCaller']);
});
