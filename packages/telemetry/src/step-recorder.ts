import type { Role } from '@trikd/core/domain/role';
import { roleStepOf, type StepListener, type TimedMoment } from '@trikd/core/timing/moments';
import { isSampled, type StepTracing, sampledContext, spanIdOf, traceparentOf } from '@trikd/core/timing/trace-ids';
import { type AttemptSteps, NO_FRAMES } from './attempt-steps.js';
import type { StepSink, TracedFrame } from './step-trace.js';

/** Records the steps of one attempt as they happen. */
export interface StepRecorder {
  readonly listen: StepListener;
  /** The trace context for the frame of a step; undefined if the step is not sampled. */
  traceparent(step: number): string | undefined;
  /** A frame has arrived. If its producer has sampled the step, the step is sampled here too. */
  received(step: number, from: Role, traceparent: string | undefined): void;
  /** A model of another server has answered for a step, after so many milliseconds. */
  called(step: number, participant: string, ms: number): void;
  /** The attempt has failed in the current step, which is traced together with the previous one. */
  failed(error: unknown): void;
  /** Params are being stored. */
  saving(): void;
  /** The checkpoint of a step is stored. The step before it is traced. */
  saved(step: number): void;
  /** The ids that link a log line to the trace of a step. */
  idsOf(step: number): { readonly trace_id?: string; readonly span_id?: string };
}

/** Frames whose spans follow from their steps: shared objects, since the memory has thousands of them. */
const EXPECTED: Readonly<Record<Role, TracedFrame>> = {
  anchor: { from: 'anchor' },
  teacher: { from: 'teacher' },
  student: { from: 'student' },
};

/** @param now milliseconds since 1970, with fractions, monotonic */
export function createStepRecorder(
  steps: AttemptSteps,
  tracing: StepTracing | undefined,
  now: () => number,
  sink: StepSink,
): StepRecorder {
  const { attempt, role, traceIds } = steps;
  let current = -1;
  let moments: TimedMoment[] = [];
  let received = NO_FRAMES;
  let savingSince: number | undefined;

  const sampled = (step: number) => tracing !== undefined && isSampled(tracing, step);
  const contextOf = (traceId: string, of: Role) => traceparentOf(traceId, spanIdOf(traceId, of));

  return {
    listen(step, moment) {
      if (step !== current) {
        current = step;
        moments = [];
        received = NO_FRAMES;
      }
      moments.push({ moment, at: now() });
      if (moment !== 'done') return;
      steps.add(step, moments, received, sampled(step));
      current = -1;
    },
    traceparent(step) {
      if (!traceIds || !(sampled(step) || (received.length > 0 && step === current))) return undefined;
      return contextOf(traceIds(step), role);
    },
    received(step, from, traceparent) {
      if (traceparent === undefined || step !== current) return;
      const expected = traceIds && traceparent === contextOf(traceIds(step), from);
      const span = expected ? undefined : sampledContext(traceparent);
      if (expected) received = [...received, EXPECTED[from]];
      else if (span) received = [...received, { from, span }];
    },
    called(step, participant, ms) {
      const ended = now();
      steps.called(step, { participant, started: ended - ms, ended });
    },
    failed(error) {
      steps.trace(steps.last());
      if (current < 0) return;
      moments.push({ moment: 'done', at: now() });
      const step = roleStepOf(role, current, moments);
      const trace = traceIds && { attempt, traceId: traceIds(current), step, received, error };
      if (trace) sink.traced(() => trace);
      current = -1;
    },
    saving() {
      savingSince ??= now();
    },
    saved(step) {
      const started = savingSince;
      savingSince = undefined;
      if (!traceIds || started === undefined || !steps.trace(step - 1)) return;
      sink.saved({ attempt, traceId: traceIds(step - 1), role, step: step - 1 }, started, now());
    },
    idsOf(step) {
      if (!traceIds) return {};
      const traceId = traceIds(step);
      return { trace_id: traceId, span_id: spanIdOf(traceId, role) };
    },
  };
}
