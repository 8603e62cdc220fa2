import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { describe, expect, test } from 'vitest';
import { type Admission, createCallGuard } from './call-guard.js';

const limits = { callsPerCaller: 2, streamsPerCaller: 1, callsPerSecond: 10, burst: 4 };
const get = { caller: 'ann', method: 'RunService/GetRun', streams: false };
const watch = { caller: 'ann', method: 'RunService/WatchRun', streams: true };

const end = (admission: Admission) => {
  if (admission.kind !== 'admitted') throw new Error(admission.reason);
  admission.end();
};

describe('the calls of one caller', () => {
  test('that are open are limited, and the limit is named', () => {
    const guard = createCallGuard(limits, virtualClock());
    const first = guard.begin(get);
    guard.begin(get);
    expect(guard.begin(get)).toEqual({
      kind: 'refused',
      limit: 'limits.callsPerCaller',
      reason: 'limits.callsPerCaller allows 2 calls of RunService/GetRun at once to ann: wait for a response',
      retryAfterMs: 1000,
    });
    end(first);
    expect(guard.begin(get).kind).toBe('admitted');
  });

  test('of one method take nothing from another method', () => {
    const guard = createCallGuard(limits, virtualClock());
    const stream = guard.begin(watch);
    expect(guard.begin(watch)).toEqual({
      kind: 'refused',
      limit: 'limits.streamsPerCaller',
      reason: 'limits.streamsPerCaller allows 1 open streams to ann: close one',
    });
    expect(guard.begin(get).kind).toBe('admitted');
    end(stream);
    expect(guard.begin(watch).kind).toBe('admitted');
  });

  test('have a rate for each method, and a refusal says when to retry', async () => {
    const clock = virtualClock();
    const guard = createCallGuard(limits, clock);
    for (let call = 0; call < 4; call += 1) end(guard.begin(get));
    expect(guard.begin(get)).toEqual({
      kind: 'refused',
      limit: 'limits.callsPerSecond',
      reason: 'limits.callsPerSecond allows 10 calls of RunService/GetRun a second to ann: retry in 0.1 s',
      retryAfterMs: 100,
    });
    expect(guard.begin(watch).kind).toBe('admitted');
    await clock.advance(100);
    expect(guard.begin(get).kind).toBe('admitted');
  });

  test('take nothing from another caller', () => {
    const guard = createCallGuard(limits, virtualClock());
    for (let call = 0; call < 9; call += 1) guard.begin(get);
    expect(guard.begin({ ...get, caller: 'ben' }).kind).toBe('admitted');
  });
});

test('a caller with an open call is remembered, however many others come by', () => {
  const guard = createCallGuard(limits, virtualClock());
  guard.begin(watch);
  for (let other = 0; other < 20_000; other += 1) end(guard.begin({ ...get, caller: `${other}` }));
  expect(guard.begin(watch).kind).toBe('refused');
});
