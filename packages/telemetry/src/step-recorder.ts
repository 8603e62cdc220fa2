import { isSameAttempt, peerOf, type Role, type StageAttempt, type TrainedRole } from '@trikd/core/domain/position';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Stage } from '@trikd/core/stages/stage';
import { roleStepOf, type StepListener, type TimedMoment } from '@trikd/core/timing/moments';
import type { RoleStep } from '@trikd/core/timing/role-step';
import { isSampled, type StepTracing, sampledContext, spanIdOf, traceparentOf } from '@trikd/core/timing/trace-ids';
import type { TrainerPorts } from '@trikd/core/training/ports';
import {
  type AttemptSteps,
  createAttemptSteps,
  NO_FRAMES,
  NO_SINK,
  type StepSink,
  type TracedFrame,
} from './step-trace.js';
import type { Telemetry } from './telemetry.js';

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
function createStepRecorder(
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

/** The latest steps of a process, for queries and traces after the fact. */
export interface StepMemory {
  /** Starts a new attempt. The previous one is kept too, so that its end can be examined. */
  begin(attempt: StageAttempt, role: Role, tracing?: StepTracing): StepRecorder;
  /** At most `atMost` steps in order, from `fromStep` on. */
  read(attempt: StageAttempt, fromStep: number, atMost: number): readonly RoleStep[];
  /** Traces steps that were not sampled. Returns how many of them are still in the memory. */
  trace(attempt: StageAttempt, steps: readonly number[]): number;
}

/** Steps per attempt: a few minutes of fast ones, about 0.4 MB. */
const CAPACITY = 4096;

/** @param now milliseconds since 1970, with fractions, monotonic */
export function createStepMemory(now: () => number, sink: StepSink = NO_SINK, capacity = CAPACITY): StepMemory {
  let attempts: readonly AttemptSteps[] = [];
  const of = (attempt: StageAttempt) => attempts.find((each) => isSameAttempt(each.attempt, attempt));
  return {
    begin(attempt, role, tracing) {
      const steps = createAttemptSteps(attempt, role, tracing, sink, capacity);
      attempts = [steps, ...attempts.slice(0, 1)];
      return createStepRecorder(steps, tracing, now, sink);
    },
    read(attempt, fromStep, atMost) {
      const steps = of(attempt);
      if (!steps) return [];
      const last = steps.last();
      const found: RoleStep[] = [];
      for (let step = Math.max(fromStep, last - capacity + 1, 0); step <= last && found.length < atMost; step++) {
        const kept = steps.find(step);
        if (kept) found.push(kept);
      }
      return found;
    },
    trace: (attempt, wanted) => {
      const steps = of(attempt);
      return steps ? wanted.filter((step) => steps.trace(step)).length : 0;
    },
  };
}

/** Adds telemetry to ports: records steps, measures events, and adds the trace context of sampled steps to frames. */
export function tracedPorts(
  ports: TrainerPorts,
  role: TrainedRole,
  { frozen }: Stage,
  recorder: StepRecorder,
  telemetry: Telemetry,
): TrainerPorts {
  const frames = Object.entries(ports.frames).map(([source, each]) => {
    const from = frozen.some(({ name }) => name === source) ? 'anchor' : peerOf(role);
    return [source, recordedFrames(each, from, recorder)] as const;
  });
  return {
    ...ports,
    frames: Object.fromEntries(frames),
    publish: (frame) => ports.publish(stamped(frame, recorder)),
    save: (params) => {
      recorder.saving();
      return ports.save(params);
    },
    emit: (event) => {
      if (event.kind === 'checkpoint') recorder.saved(event.checkpoint.step);
      telemetry.emitted(role, event);
      ports.emit(event);
    },
    steps: recorder.listen,
  };
}

/** Adds the trace context of its step to a frame, if the step is sampled. */
export function stamped(frame: LogitsFrame, recorder: StepRecorder): LogitsFrame {
  const traceparent = recorder.traceparent(frame.position.step);
  return traceparent === undefined ? frame : { ...frame, traceparent };
}

/** `next` is all that the training loop calls. */
function recordedFrames(
  frames: AsyncIterator<LogitsFrame>,
  from: Role,
  recorder: StepRecorder,
): AsyncIterator<LogitsFrame> {
  return {
    next: async () => {
      const next = await frames.next();
      if (!next.done) recorder.received(next.value.position.step, from, next.value.traceparent);
      return next;
    },
  };
}
