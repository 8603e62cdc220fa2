import type { GenerationAttempt } from '@trikd/core/domain/position';
import { isSameAttempt } from '@trikd/core/domain/position';
import type { Role } from '@trikd/core/domain/role';
import type { RoleStep } from '@trikd/core/timing/role-step';
import type { StepTracing } from '@trikd/core/timing/trace-ids';
import { type AttemptSteps, createAttemptSteps } from './attempt-steps.js';
import { createStepRecorder, type StepRecorder } from './step-recorder.js';
import { NO_SINK, type StepSink } from './step-trace.js';

/** The latest steps of a process, for queries and traces after the fact. */
export interface StepMemory {
  /** Starts a new attempt. The previous one is kept too, so that its end can be examined. */
  begin(attempt: GenerationAttempt, role: Role, tracing?: StepTracing): StepRecorder;
  /** At most `atMost` steps in order, from `fromStep` on. */
  read(attempt: GenerationAttempt, fromStep: number, atMost: number): readonly RoleStep[];
  /** Traces steps that were not sampled. Returns how many of them are still in the memory. */
  trace(attempt: GenerationAttempt, steps: readonly number[]): number;
}

/** Steps per attempt: a few minutes of fast ones, about 0.4 MB. */
const CAPACITY = 4096;

/** @param now milliseconds since 1970, with fractions, monotonic */
export function createStepMemory(now: () => number, sink: StepSink = NO_SINK, capacity = CAPACITY): StepMemory {
  let attempts: readonly AttemptSteps[] = [];
  const of = (attempt: GenerationAttempt) => attempts.find((each) => isSameAttempt(each.attempt, attempt));
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
