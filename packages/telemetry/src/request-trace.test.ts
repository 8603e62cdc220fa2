import { traceparentOf } from '@trikd/core/timing/trace-ids';
import { expect, test } from 'vitest';
import { requestSampler } from './request-trace.js';

const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
const sampled = traceparentOf(parent.traceId, parent.spanId);

test('every Nth request without a trace is traced, and with 0 none', () => {
  const tracedOf = (every: number) => {
    const sample = requestSampler(every);
    return [0, 1, 2, 3, 4].filter(() => sample(undefined) !== undefined);
  };
  expect([tracedOf(0), tracedOf(1), tracedOf(2)]).toEqual([[], [0, 1, 2, 3, 4], [0, 2, 4]]);
});

test('the caller of a request with a trace decides', () => {
  for (const every of [0, 1]) {
    const sample = requestSampler(every);
    expect(sample(sampled)).toEqual({ parent });
    expect(sample(sampled.replace(/01$/, '00'))).toBeUndefined();
  }
});

test('a trace context that is invalid is none', () => {
  expect(requestSampler(1)('another')).toEqual({});
  expect(requestSampler(0)('another')).toBeUndefined();
});
