import type { GenerationAttempt, Role } from '@trikd/core/position';
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
  /** Every step. */
  measured(step: RoleStep): void;
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

/** Steps that are remembered of an attempt: some minutes of fast ones. About 3 MB. */
const REMEMBERED = 4096;

const NO_SINK: StepSink = { measured: () => undefined, traced: () => undefined, saved: () => undefined };

interface Kept {
  readonly step: RoleStep;
  readonly heard: ReadonlyMap<Role, string>;
  traced: boolean;
}

interface AttemptSteps {
  readonly attempt: GenerationAttempt;
  readonly seed: string | undefined;
  /** By step number modulo `capacity`. */
  readonly kept: Kept[];
  /** Of the step that ended last. */
  last: number;
}

const NOTHING_HEARD: ReadonlyMap<Role, string> = new Map();

/** @param now milliseconds since 1970, with fractions, never going back */
export function createStepMemory(now: () => number, sink: StepSink = NO_SINK, capacity = REMEMBERED): StepMemory {
  let attempts: readonly AttemptSteps[] = [];

  const of = (attempt: GenerationAttempt) => attempts.find((each) => isSameAttempt(each.attempt, attempt));

  function send({ attempt, seed }: AttemptSteps, kept: Kept, error?: unknown): void {
    if (seed === undefined || kept.traced) return;
    kept.traced = true;
    sink.traced({ attempt, seed, step: kept.step, heard: kept.heard, ...(error !== undefined && { error }) });
  }

  return {
    begin(attempt, role, tracing) {
      const { runId, generation } = attempt;
      const steps: AttemptSteps = {
        attempt: { runId, generation, attempt: attempt.attempt },
        seed: tracing?.seed,
        kept: [],
        last: -1,
      };
      attempts = [steps, ...attempts.slice(0, 1)];
      let inHand = -1;
      let moments: TimedMoment[] = [];
      let heard: Map<Role, string> | undefined;
      let savingSince: number | undefined;
      let known: { readonly step: number; readonly traceparent: string } | undefined;

      const over = (): Kept => ({
        step: roleStepOf(role, inHand, moments),
        heard: heard ?? NOTHING_HEARD,
        traced: false,
      });
      const sampled = (step: number) => tracing !== undefined && isSampled(tracing, step);

      return {
        listen(step, moment) {
          if (step !== inHand) {
            inHand = step;
            moments = [];
            heard = undefined;
          }
          moments.push({ moment, at: now() });
          if (moment !== 'done') return;
          const kept = over();
          steps.kept[step % capacity] = kept;
          steps.last = step;
          sink.measured(kept.step);
          if (sampled(step) || heard) send(steps, kept);
          inHand = -1;
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
          const before = steps.kept[steps.last % capacity];
          if (before) send(steps, before);
          if (inHand < 0) return;
          moments.push({ moment: 'done', at: now() });
          send(steps, over(), error);
          inHand = -1;
        },
        saving() {
          savingSince ??= now();
        },
        saved(step) {
          const begun = savingSince;
          savingSince = undefined;
          const kept = steps.kept[(step - 1) % capacity];
          if (!tracing || begun === undefined || kept?.step.step !== step - 1) return;
          send(steps, kept);
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
        const kept = steps.kept[step % capacity];
        if (kept?.step.step === step) found.push(kept.step);
      }
      return found;
    },
    trace(attempt, wanted) {
      const steps = of(attempt);
      if (!steps) return 0;
      const found = wanted.flatMap((step) => {
        const kept = steps.kept[step % capacity];
        return kept?.step.step === step ? [kept] : [];
      });
      for (const kept of found) send(steps, kept);
      return found.length;
    },
  };
}
