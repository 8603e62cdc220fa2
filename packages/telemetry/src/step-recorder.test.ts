import type { Role } from '@trikd/core/domain/position';
import type { StepMoment } from '@trikd/core/timing/moments';
import type { RoleStep } from '@trikd/core/timing/role-step';
import { sampledContext, seedOf, traceIdOf, traceparentOf } from '@trikd/core/timing/trace-ids';
import { describe, expect, test } from 'vitest';
import { createStepMemory } from './step-recorder.js';
import type { StepTrace } from './step-trace.js';

const attempt = { runId: 'r', stage: 1, attempt: 1 };
const seed = seedOf('r', 'now');

/** A memory whose clock advances by a millisecond with each moment. */
function memory(everySteps = 0, capacity = 8, role: Role = 'student') {
  let time = 1000;
  const measured: number[] = [];
  const traces: StepTrace[] = [];
  const saves: [number, number][] = [];
  const sink = {
    measured: (step: () => RoleStep | undefined) => void measured.push(step()!.step),
    traced: (trace: () => StepTrace | undefined) => void traces.push(trace()!),
    saved: ({ step }: { readonly step: number }, started: number, ended: number) =>
      void saves.push([step, ended - started]),
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
  test('keeps the requests that were made for a step, for a trace of it after the fact', () => {
    const { steps, recorder, whole, traces } = memory();
    recorder.called(1, 'large', 20);
    for (const step of [0, 1]) whole(step);
    steps.trace(attempt, [0, 1]);
    expect(
      traces.map(({ calls }) => calls?.map(({ participant, started, ended }) => [participant, ended - started])),
    ).toEqual([undefined, [['large', 20]]]);
  });

  test('returns steps from one on, up to a number', () => {
    const { steps, whole, measured } = memory();
    for (const step of [0, 1, 2, 3]) whole(step);
    expect(steps.read(attempt, 1, 2).map(({ step }) => step)).toEqual([1, 2]);
    expect(steps.read(attempt, 0, 1)[0]).toMatchObject({ role: 'student', step: 0, started: 1000, duration: 3 });
    expect(measured).toEqual([0, 1, 2, 3]);
  });

  test('forgets the oldest steps beyond its capacity', () => {
    const { steps, whole } = memory();
    for (let step = 5; step < 25; step++) whole(step);
    expect(steps.read(attempt, 0, 1024).map(({ step }) => step)).toEqual([17, 18, 19, 20, 21, 22, 23, 24]);
    expect(steps.trace(attempt, [3, 17, 24, 99])).toBe(2);
  });

  test('has no unfinished step, and none of another attempt', () => {
    const { steps, run } = memory();
    run(0, 'forward', 'publish');
    expect(steps.read(attempt, 0, 9)).toEqual([]);
    expect(steps.read({ ...attempt, attempt: 2 }, 0, 9)).toEqual([]);
    expect(steps.trace({ ...attempt, attempt: 2 }, [0])).toBe(0);
  });

  test('keeps the previous attempt, and none before it', () => {
    const { steps, whole } = memory();
    whole(0);
    steps.begin({ ...attempt, attempt: 2 }, 'student');
    expect(steps.read(attempt, 0, 9)).toHaveLength(1);
    steps.begin({ ...attempt, attempt: 3 }, 'student');
    expect(steps.read(attempt, 0, 9)).toHaveLength(0);
  });
});

describe('a trace', () => {
  test('is exported for every Nth step when it ends, and for others on request, once', () => {
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

  test('is exported if the producer of a frame has sampled the step', () => {
    const { recorder, run, traces } = memory(0);
    const context = memory(1, 8, 'teacher').recorder.traceparent(5);
    run(5, 'forward', 'await-peer');
    recorder.received(5, 'teacher', context);
    recorder.received(5, 'anchor', undefined);
    expect(sampledContext(recorder.traceparent(5) ?? '')).toBeDefined();
    run(5, 'backward', 'done');
    run(6, 'forward', 'done');
    expect(traces.map(({ step, received }) => [step.step, ...received])).toEqual([[5, { from: 'teacher' }]]);
  });

  test('links to the span of a producer with other ids', () => {
    const { recorder, run, traces } = memory(1);
    const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
    run(5, 'forward', 'await-peer');
    recorder.received(5, 'anchor', traceparentOf(span.traceId, span.spanId));
    recorder.received(5, 'teacher', 'no context');
    run(5, 'backward', 'done');
    expect(traces.map(({ received }) => received)).toEqual([[{ from: 'anchor', span }]]);
  });

  test('is not exported for a step that has left the memory', () => {
    const late: (() => unknown)[] = [];
    const later = (work: () => unknown) => void late.push(work);
    const steps = createStepMemory(() => 0, { measured: later, traced: later, saved: () => {} }, 2);
    const recorder = steps.begin(attempt, 'student', { seed, everySteps: 3 });
    for (const step of [0, 1, 2]) recorder.listen(step, 'done');
    expect(late.map((work) => work() !== undefined)).toEqual([false, false, true, true]);
  });

  test('of a failed step has its error; the previous step is traced too', () => {
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

  test('is exported for the step before a checkpoint, with the time it took to store', () => {
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

  test('has the ids that log lines of its step have', () => {
    const { recorder } = memory();
    const { trace_id, span_id } = recorder.idsOf(5);
    expect(trace_id).toBe(traceIdOf(seed, { ...attempt, step: 5 }));
    expect(span_id).toMatch(/^[0-9a-f]{16}$/);
  });

  test('is not exported without a seed', () => {
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
