import type { GenerationAttempt, Role } from '@trikd/core/position';
import { createMomentRing, type MomentRing } from '@trikd/core/timing/moment-ring';
import { roleStepOf, type StepListener, type TimedMoment } from '@trikd/core/timing/moments';
import type { RoleStep } from '@trikd/core/timing/role-step';
import { isSameAttempt } from '../model-service/attempt-order.js';
import { isSampled, type StepTracing, sampledContext, spanIdOf, traceIdOf, traceparentOf } from './trace-ids.js';

/** A step that is to be seen as spans. */
export interface StepTrace {
  readonly attempt: GenerationAttempt;
  readonly seed: string;
  readonly step: RoleStep;
  /** Trace contexts of the frames that it heard, by their sender. */
  readonly heard: ReadonlyMap<Role, string>;
  /** What ended the step before its time. */
  readonly error?: unknown;
}

/** Where steps that are over go, besides the memory. */
export interface StepSink {
  /** Every step; worked out where somebody wants it. */
  measured(step: () => RoleStep): void;
  /** One that is worth a trace. */
  traced(trace: StepTrace): void;
  /** A checkpoint that was on its way to the store from one time to another; it belongs to the step before it. */
  saved(where: StepOfRole, begun: number, ended: number): void;
}

/** A step, as a trace knows it. */
export interface StepOfRole {
  readonly attempt: GenerationAttempt;
  readonly seed: string;
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
  readonly seed: string | undefined;
  readonly moments: MomentRing;
  /** Trace contexts of the frames that a step heard, where there were any. */
  readonly heard: Map<number, ReadonlyMap<Role, string>>;
  /** Steps that were traced. */
  readonly traced: Set<number>;
  /** The step that ended last. */
  last: number;
}

const NOTHING_HEARD: ReadonlyMap<Role, string> = new Map();

/** @param now milliseconds since 1970, with fractions, never going back */
export function createStepMemory(now: () => number, sink: StepSink = NO_SINK, capacity = REMEMBERED): StepMemory {
  let attempts: readonly AttemptSteps[] = [];

  const of = (attempt: GenerationAttempt) => attempts.find((each) => isSameAttempt(each.attempt, attempt));

  function find({ role, moments }: AttemptSteps, step: number): RoleStep | undefined {
    const found = moments.find(step);
    return found && roleStepOf(role, step, found);
  }

  /** Traces a step, once. Whether it is remembered. */
  function send(steps: AttemptSteps, number: number, step = find(steps, number)): boolean {
    const { attempt, seed, heard, traced } = steps;
    if (!step) return false;
    if (seed === undefined || traced.has(number)) return true;
    traced.add(number);
    sink.traced({ attempt, seed, step, heard: heard.get(number) ?? NOTHING_HEARD });
    return true;
  }

  return {
    begin(attempt, role, tracing) {
      const { runId, generation } = attempt;
      const steps: AttemptSteps = {
        attempt: { runId, generation, attempt: attempt.attempt },
        role,
        seed: tracing?.seed,
        moments: createMomentRing(capacity),
        heard: new Map(),
        traced: new Set(),
        last: -1,
      };
      attempts = [steps, ...attempts.slice(0, 1)];
      let inHand = -1;
      let moments: TimedMoment[] = [];
      let heard: Map<Role, string> | undefined;
      let savingSince: number | undefined;
      let known: { readonly step: number; readonly traceparent: string } | undefined;

      const sampled = (step: number) => tracing !== undefined && isSampled(tracing, step);

      function over(step: number): void {
        const done = moments;
        steps.moments.keep(step, done);
        steps.last = step;
        steps.heard.delete(step - capacity);
        steps.traced.delete(step - capacity);
        let made: RoleStep | undefined;
        const roleStep = () => {
          made ??= roleStepOf(role, step, done);
          return made;
        };
        sink.measured(roleStep);
        if (heard) steps.heard.set(step, heard);
        if (sampled(step) || heard) send(steps, step, roleStep());
        inHand = -1;
      }

      return {
        listen(step, moment) {
          if (step !== inHand) {
            inHand = step;
            moments = [];
            heard = undefined;
          }
          moments.push({ moment, at: now() });
          if (moment === 'done') over(step);
        },
        traceparent(step) {
          if (!tracing || !(sampled(step) || (heard && step === inHand))) return undefined;
          if (known?.step !== step) {
            const traceId = traceIdOf(tracing.seed, { ...attempt, step });
            known = { step, traceparent: traceparentOf(traceId, spanIdOf(traceId, role)) };
          }
          return known.traceparent;
        },
        heard(step, from, traceparent) {
          if (traceparent === undefined || step !== inHand || !sampledContext(traceparent)) return;
          heard ??= new Map();
          heard.set(from, traceparent);
        },
        failed(error) {
          send(steps, steps.last);
          if (inHand < 0) return;
          moments.push({ moment: 'done', at: now() });
          const { attempt, seed } = steps;
          const step = roleStepOf(role, inHand, moments);
          if (seed !== undefined) sink.traced({ attempt, seed, step, heard: heard ?? NOTHING_HEARD, error });
          inHand = -1;
        },
        saving() {
          savingSince ??= now();
        },
        saved(step) {
          const begun = savingSince;
          savingSince = undefined;
          if (!tracing || begun === undefined || !send(steps, step - 1)) return;
          sink.saved({ attempt: steps.attempt, seed: tracing.seed, role, step: step - 1 }, begun, now());
        },
        idsOf(step) {
          if (!tracing) return {};
          const traceId = traceIdOf(tracing.seed, { ...attempt, step });
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
