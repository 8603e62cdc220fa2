import type { GenerationAttempt } from '@trikd/core/domain/position';
import { isSameAttempt } from '@trikd/core/domain/position';
import type { Role } from '@trikd/core/domain/role';
import { createMomentRing, type MomentRing } from '@trikd/core/timing/moment-ring';
import { roleStepOf, type StepListener, type TimedMoment } from '@trikd/core/timing/moments';
import type { RoleStep } from '@trikd/core/timing/role-step';
import {
  isSampled,
  type SpanIds,
  type StepTracing,
  sampledContext,
  spanIdOf,
  traceIdsOf,
  traceparentOf,
} from '@trikd/core/timing/trace-ids';

/** A step that is to be seen as spans. */
export interface StepTrace {
  readonly attempt: GenerationAttempt;
  readonly traceId: string;
  readonly step: RoleStep;
  /** The frames with a trace context that it heard. */
  readonly heard: readonly HeardFrame[];
  /** What ended the step before its time. */
  readonly error?: unknown;
}

/** A frame whose sender has sampled the step. */
export interface HeardFrame {
  readonly from: Role;
  /** The sender's span, where it is another than follows from the step. */
  readonly span?: SpanIds;
}

/** Where steps that are over go, besides the memory. */
export interface StepSink {
  /** Every step; worked out where somebody wants it, while it is remembered. */
  measured(step: () => RoleStep | undefined): void;
  /** One that is worth a trace; the same. */
  traced(trace: () => StepTrace | undefined): void;
  /** A checkpoint that was on its way to the store from one time to another; it belongs to the step before it. */
  saved(where: StepOfRole, begun: number, ended: number): void;
}

/** A step, as a trace knows it. */
export interface StepOfRole {
  readonly attempt: GenerationAttempt;
  readonly traceId: string;
  readonly role: Role;
  readonly step: number;
}

/** Writes one attempt's steps into the memory. */
export interface StepRecorder {
  readonly listen: StepListener;
  /** Trace context of the frame that a step hands out; undefined when the step is not sampled. */
  traceparent(step: number): string | undefined;
  /** A frame of a step has come from a role. Where its sender has sampled the step, it is sampled here too. */
  heard(step: number, from: Role, traceparent: string | undefined): void;
  /** The attempt fails in the step in hand: it is traced, and the one before it. */
  failed(error: unknown): void;
  /** Params are on their way to the store. */
  saving(): void;
  /** The checkpoint of a step is stored. The step before it is traced. */
  saved(step: number): void;
  /** What tells a line of the log from which trace it is. */
  idsOf(step: number): { readonly trace_id?: string; readonly span_id?: string };
}

/** The steps of a process that are over, as far as it remembers them. */
export interface StepMemory {
  /** Begins a new attempt. The one before is remembered too, so that one can ask why it ended. */
  begin(attempt: GenerationAttempt, role: Role, tracing?: StepTracing): StepRecorder;
  /** In the order of their coming, from a step on, so many at most. */
  read(attempt: GenerationAttempt, fromStep: number, atMost: number): readonly RoleStep[];
  /** Traces steps now that were not when they ended. Returns how many of them are remembered. */
  trace(attempt: GenerationAttempt, steps: readonly number[]): number;
}

/** Steps that are remembered of an attempt: some minutes of fast ones. About 0.4 MB. */
const REMEMBERED = 4096;

const NO_SINK: StepSink = { measured: () => undefined, traced: () => undefined, saved: () => undefined };

interface AttemptSteps {
  readonly attempt: GenerationAttempt;
  readonly role: Role;
  /** The trace of a step; undefined where nothing is traced. */
  readonly traceIds: ((step: number) => string) | undefined;
  readonly moments: MomentRing;
  /** What steps heard, where there was anything. */
  readonly heard: Map<number, readonly HeardFrame[]>;
  /** Steps that were traced. */
  readonly traced: Set<number>;
  /** The step that ended last. */
  last: number;
}

const NOTHING_HEARD: readonly HeardFrame[] = [];
/** Frames whose spans follow from their steps: the same few objects for all steps that are remembered. */
const EXPECTED: Readonly<Record<Role, HeardFrame>> = {
  anchor: { from: 'anchor' },
  teacher: { from: 'teacher' },
  student: { from: 'student' },
};

/** @param now milliseconds since 1970, with fractions, never going back */
export function createStepMemory(now: () => number, sink: StepSink = NO_SINK, capacity = REMEMBERED): StepMemory {
  let attempts: readonly AttemptSteps[] = [];

  const of = (attempt: GenerationAttempt) => attempts.find((each) => isSameAttempt(each.attempt, attempt));

  function find({ role, moments }: AttemptSteps, step: number): RoleStep | undefined {
    const found = moments.find(step);
    return found && roleStepOf(role, step, found);
  }

  /** Traces a step, once. Whether it is remembered. */
  function send(steps: AttemptSteps, number: number, step = () => find(steps, number)): boolean {
    const { attempt, traceIds, heard, traced } = steps;
    if (!steps.moments.has(number)) return false;
    if (!traceIds || traced.has(number)) return true;
    traced.add(number);
    sink.traced(() => {
      const found = step();
      return found && { attempt, traceId: traceIds(number), step: found, heard: heard.get(number) ?? NOTHING_HEARD };
    });
    return true;
  }

  return {
    begin(attempt, role, tracing) {
      const { runId, generation } = attempt;
      const traceIds = tracing && traceIdsOf(tracing.seed, attempt);
      const steps: AttemptSteps = {
        attempt: { runId, generation, attempt: attempt.attempt },
        role,
        traceIds,
        moments: createMomentRing(capacity),
        heard: new Map(),
        traced: new Set(),
        last: -1,
      };
      attempts = [steps, ...attempts.slice(0, 1)];
      let inHand = -1;
      let moments: TimedMoment[] = [];
      let heard = NOTHING_HEARD;
      let savingSince: number | undefined;

      const sampled = (step: number) => tracing !== undefined && isSampled(tracing, step);
      const contextOf = (traceId: string, of: Role) => traceparentOf(traceId, spanIdOf(traceId, of));

      function over(step: number): void {
        steps.moments.keep(step, moments);
        steps.last = step;
        steps.heard.delete(step - capacity);
        steps.traced.delete(step - capacity);
        let made: RoleStep | undefined;
        const roleStep = () => {
          made ??= find(steps, step);
          return made;
        };
        sink.measured(roleStep);
        if (heard.length > 0) steps.heard.set(step, heard);
        if (sampled(step) || heard.length > 0) send(steps, step, roleStep);
        inHand = -1;
      }

      return {
        listen(step, moment) {
          if (step !== inHand) {
            inHand = step;
            moments = [];
            heard = NOTHING_HEARD;
          }
          moments.push({ moment, at: now() });
          if (moment === 'done') over(step);
        },
        traceparent(step) {
          if (!traceIds || !(sampled(step) || (heard.length > 0 && step === inHand))) return undefined;
          return contextOf(traceIds(step), role);
        },
        heard(step, from, traceparent) {
          if (traceparent === undefined || step !== inHand) return;
          const expected = traceIds && traceparent === contextOf(traceIds(step), from);
          const span = expected ? undefined : sampledContext(traceparent);
          if (expected) heard = [...heard, EXPECTED[from]];
          else if (span) heard = [...heard, { from, span }];
        },
        failed(error) {
          send(steps, steps.last);
          if (inHand < 0) return;
          moments.push({ moment: 'done', at: now() });
          const { attempt } = steps;
          const step = roleStepOf(role, inHand, moments);
          const trace = traceIds && { attempt, traceId: traceIds(inHand), step, heard, error };
          if (trace) sink.traced(() => trace);
          inHand = -1;
        },
        saving() {
          savingSince ??= now();
        },
        saved(step) {
          const begun = savingSince;
          savingSince = undefined;
          if (!traceIds || begun === undefined || !send(steps, step - 1)) return;
          sink.saved({ attempt: steps.attempt, traceId: traceIds(step - 1), role, step: step - 1 }, begun, now());
        },
        idsOf(step) {
          if (!traceIds) return {};
          const traceId = traceIds(step);
          return { trace_id: traceId, span_id: spanIdOf(traceId, role) };
        },
      };
    },
    read(attempt, fromStep, atMost) {
      const steps = of(attempt);
      if (!steps) return [];
      const found: RoleStep[] = [];
      const first = Math.max(fromStep, steps.last - capacity + 1, 0);
      for (let step = first; step <= steps.last && found.length < atMost; step++) {
        const kept = find(steps, step);
        if (kept) found.push(kept);
      }
      return found;
    },
    trace(attempt, wanted) {
      const steps = of(attempt);
      return steps ? wanted.filter((step) => send(steps, step)).length : 0;
    },
  };
}
