import { describe, expect, test } from 'vitest';
import { progressMeter } from './progress-meter.js';

/** A meter on a clock that a test moves, in milliseconds. */
function meterAt(start: number) {
  let time = start;
  const measure = progressMeter(() => time);
  return (milliseconds: number, waits: Parameters<typeof measure>[0] = {}) => {
    time += milliseconds;
    return measure(waits);
  };
}

describe('the progress meter', () => {
  test('counts steps a second from its making on', () => {
    const step = meterAt(1000);
    expect(step(250).stepsPerSecond).toBeCloseTo(4, 9);
    expect(step(750).stepsPerSecond).toBeCloseTo(2, 9);
  });

  test('forgets what is more than five seconds ago', () => {
    const step = meterAt(0);
    step(100, { peer: 100 });
    for (let i = 0; i < 60; i++) step(1000, { peer: 250 });
    const { stepsPerSecond, waits } = step(1000, { peer: 250 });
    expect(stepsPerSecond).toBeCloseTo(1, 9);
    expect(waits.peer).toBeCloseTo(0.25, 9);
  });

  test('is right about steps that each take longer than that', () => {
    const step = meterAt(0);
    step(20_000);
    expect(step(20_000, { anchor: 5000 })).toEqual({ stepsPerSecond: 0.05, waits: { anchor: 0.25 } });
  });

  test('shares the waits by source, never more than all of the time', () => {
    const step = meterAt(0);
    expect(step(1000, { anchor: 100, peer: 2000 }).waits).toEqual({ anchor: 0.1, peer: 1 });
  });

  test('knows no waits where nothing is heard', () => {
    expect(meterAt(0)(10).waits).toEqual({});
  });
});
