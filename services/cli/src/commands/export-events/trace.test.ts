import { SlowStep } from '@trikd/protocol/gen/node/trikd/v1/timing';
import { describe, expect, test } from 'vitest';
import { slowStep } from './testing/emitted-run.js';
import { slowest, traceOf } from './trace.js';

const steps = [slowStep(5, 40), slowStep(7, 90), slowStep(9, 60)].map(({ value }) => SlowStep.fromPartial(value));

describe('a trace', () => {
  test('is of the slowest steps, slowest first', () => {
    expect(slowest(steps, 2).map(({ step }) => step)).toEqual([7, 9]);
    expect(slowest([...steps, ...steps], 9).map(({ step }) => step)).toEqual([7, 9, 5]);
  });

  test('has a slice for each step and phase of each role, in microseconds from the first beginning', () => {
    const slices = traceOf('r', slowest(steps, 1)).traceEvents.filter(({ ph }) => ph === 'X');
    expect(slices.map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
      ['step 7', 500, 90_000],
      ['forward', 500, 85_000],
      ['backward', 85_500, 5000],
      ['step 7', 0, 88_000],
      ['data', 1000, 3000],
      ['wait for teacher', 2000, 84_000],
    ]);
  });

  test('keeps slices of a thread inside each other: batches that are made meanwhile have a thread of their own', () => {
    const { traceEvents } = traceOf('r', steps);
    const slices = traceEvents.filter(({ ph }) => ph === 'X');
    for (const one of slices) {
      for (const other of slices) {
        if (one === other || one['pid'] !== other['pid'] || one['tid'] !== other['tid']) continue;
        const [a, b] = [Number(one['ts']), Number(other['ts'])];
        const [aEnd, bEnd] = [a + Number(one['dur']), b + Number(other['dur'])];
        expect(aEnd <= b || bEnd <= a || (a <= b && bEnd <= aEnd) || (b <= a && aEnd <= bEnd)).toBe(true);
      }
    }
  });
});
