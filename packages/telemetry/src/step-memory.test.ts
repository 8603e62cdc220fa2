import type { Role } from '@trikd/core/domain/role';
import type { StepMoment } from '@trikd/core/timing/moments';
import type { RoleStep } from '@trikd/core/timing/role-step';
import { sampledContext, seedOf, traceIdOf, traceparentOf } from '@trikd/core/timing/trace-ids';
import { describe, expect, test } from 'vitest';
import { createStepMemory, type StepTrace } from './step-memory.js';

const attempt = { runId: 'r', generation: 1, attempt: 1 };
const seed = seedOf('r', 'now');

/** A memory whose time passes by one millisecond a moment. */
function memory(everySteps = 0, capacity = 8, role: Role = 'student') {
  let time = 1000;
  const measured: number[] = [];
  const traces: StepTrace[] = [];
  const saves: [number, number][] = [];
  const sink = {
    measured: (step: () => RoleStep | undefined) => void measured.push(step()!.step),
    traced: (trace: () => StepTrace | undefined) => void traces.push(trace()!),
    saved: ({ step }: { readonly step: number }, begun: number, ended: number) =>
      void saves.push([step, ended - begun]),
  };
  const steps = createStepMemory(() => time++, sink, capacity);
  const recorder = steps.begin(attempt, role, { seed, everySteps });
  const run = (step: number, ...moments: readonly StepMoment[]) => {
    for (const moment of moments) recorder.listen(step, moment);
  };
  const whole = (step: number) => run(step, 'forward', 'publish', 'backward', 'done');
  return { steps, recorder, run, whole, measured, traces, saves, traced: () => traces.map(({ step }) => step.step) };
}

describe('the memory of steps', () => {
  test('tells steps from one on, so many at most', () => {
    const { steps, whole, measured } = memory();
    for (const step of [0, 1, 2, 3]) whole(step);
    expect(steps.read(attempt, 1, 2).map(({ step }) => step)).toEqual([1, 2]);
    expect(steps.read(attempt, 0, 1)[0]).toMatchObject({ role: 'student', step: 0, started: 1000, duration: 3 });
    expect(measured).toEqual([0, 1, 2, 3]);
  });

  test('forgets the oldest steps, and never has more than its capacity', () => {
    const { steps, whole } = memory();
    for (let step = 5; step < 25; step++) whole(step);
    expect(steps.read(attempt, 0, 1024).map(({ step }) => step)).toEqual([17, 18, 19, 20, 21, 22, 23, 24]);
    expect(steps.trace(attempt, [3, 17, 24, 99])).toBe(2);
  });

  test('knows nothing of a step that is not over, nor of another attempt', () => {
    const { steps, run } = memory();
    run(0, 'forward', 'publish');
    expect(steps.read(attempt, 0, 9)).toEqual([]);
    expect(steps.read({ ...attempt, attempt: 2 }, 0, 9)).toEqual([]);
    expect(steps.trace({ ...attempt, attempt: 2 }, [0])).toBe(0);
  });

  test('keeps the attempt before the present one, and no older', () => {
    const { steps, whole } = memory();
    whole(0);
    steps.begin({ ...attempt, attempt: 2 }, 'student');
    expect(steps.read(attempt, 0, 9)).toHaveLength(1);
    steps.begin({ ...attempt, attempt: 3 }, 'student');
    expect(steps.read(attempt, 0, 9)).toHaveLength(0);
  });
});

describe('a trace', () => {
  test('is made of every Nth step as it ends, and of others when they are asked for, once', () => {
    const { steps, whole, traced } = memory(3);
    for (let step = 0; step < 6; step++) whole(step);
    expect(traced()).toEqual([0, 3]);
    expect(steps.trace(attempt, [3, 4])).toBe(2);
    expect(steps.trace(attempt, [4])).toBe(1);
    expect(traced()).toEqual([0, 3, 4]);
  });

  test('is in the frame of a sampled step, and in no other', () => {
    const { recorder } = memory(2);
    expect(sampledContext(recorder.traceparent(4) ?? '')?.traceId).toBe(traceIdOf(seed, { ...attempt, step: 4 }));
    expect(recorder.traceparent(5)).toBeUndefined();
  });

  test('is made where the sender of a frame has made one, whatever is sampled here', () => {
    const { recorder, run, traces } = memory(0);
    const context = memory(1, 8, 'teacher').recorder.traceparent(5);
    run(5, 'forward', 'await-peer');
    recorder.heard(5, 'teacher', context);
    recorder.heard(5, 'anchor', undefined);
    expect(sampledContext(recorder.traceparent(5) ?? '')).toBeDefined();
    run(5, 'backward', 'done');
    run(6, 'forward', 'done');
    expect(traces.map(({ step, heard }) => [step.step, ...heard])).toEqual([[5, { from: 'teacher' }]]);
  });

  test('knows the span of a sender that has names of its own', () => {
    const { recorder, run, traces } = memory(1);
    const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
    run(5, 'forward', 'await-peer');
    recorder.heard(5, 'anchor', traceparentOf(span.traceId, span.spanId));
    recorder.heard(5, 'teacher', 'no context');
    run(5, 'backward', 'done');
    expect(traces.map(({ heard }) => heard)).toEqual([[{ from: 'anchor', span }]]);
  });

  test('is none of a step that has been forgotten when it is to be made', () => {
    const late: (() => unknown)[] = [];
    const later = (work: () => unknown) => void late.push(work);
    const steps = createStepMemory(() => 0, { measured: later, traced: later, saved: () => {} }, 2);
    const recorder = steps.begin(attempt, 'student', { seed, everySteps: 3 });
    for (const step of [0, 1, 2]) recorder.listen(step, 'done');
    expect(late.map((work) => work() !== undefined)).toEqual([false, false, true, true]);
  });

  test('of a step that fails ends there, and has its error; the step before it is traced too', () => {
    const { recorder, whole, run, traces } = memory();
    whole(0);
    whole(1);
    run(2, 'forward', 'await-peer');
    recorder.failed(new Error('gone'));
    expect(traces.map(({ step, error }) => [step.step, error !== undefined])).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(traces[1]!.step.phases.map(({ kind }) => kind)).toEqual(['forward', 'wait']);
  });

  test('is made of the step before a checkpoint, which has its time in it', () => {
    const { recorder, whole, traced, saves } = memory();
    for (const step of [0, 1, 2]) whole(step);
    recorder.saving();
    recorder.saving();
    whole(3);
    recorder.saved(3);
    expect(traced()).toEqual([2]);
    expect(saves).toEqual([[2, 5]]);
    recorder.saved(4);
    expect(saves).toHaveLength(1);
  });

  test('is named where something is logged of its step', () => {
    const { recorder } = memory();
    const { trace_id, span_id } = recorder.idsOf(5);
    expect(trace_id).toBe(traceIdOf(seed, { ...attempt, step: 5 }));
    expect(span_id).toMatch(/^[0-9a-f]{16}$/);
  });

  test('is none without a seed', () => {
    const traces: StepTrace[] = [];
    const traced = (trace: () => StepTrace | undefined) => void traces.push(trace()!);
    const steps = createStepMemory(() => 0, { measured: () => {}, traced, saved: () => {} });
    const recorder = steps.begin(attempt, 'teacher');
    recorder.listen(0, 'forward');
    recorder.listen(0, 'done');
    expect(steps.trace(attempt, [0])).toBe(1);
    expect([traces, recorder.traceparent(0)]).toEqual([[], undefined]);
  });
});
