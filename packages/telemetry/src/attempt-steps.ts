import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { Role } from '@trikd/core/domain/role';
import { createMomentRing, type MomentRing } from '@trikd/core/timing/moment-ring';
import { roleStepOf, type TimedMoment } from '@trikd/core/timing/moments';
import type { RoleStep } from '@trikd/core/timing/role-step';
import { type StepTracing, traceIdsOf } from '@trikd/core/timing/trace-ids';
import type { RemoteCall, StepSink, TracedFrame } from './step-trace.js';

export const NO_FRAMES: readonly TracedFrame[] = [];

/** The latest steps of one attempt. */
export interface AttemptSteps {
  readonly attempt: GenerationAttempt;
  readonly role: Role;
  /** The trace id of a step; undefined if the attempt is not traced. */
  readonly traceIds: ((step: number) => string) | undefined;
  /** Adds a finished step and measures it; traces it if `sampled`, or if it received traced frames. */
  add(step: number, moments: readonly TimedMoment[], received: readonly TracedFrame[], sampled: boolean): void;
  /** Adds a request that was made for a step which is not finished yet. */
  called(step: number, call: RemoteCall): void;
  find(step: number): RoleStep | undefined;
  /** Traces a step unless it is traced already. Returns whether it is in the memory. */
  trace(step: number): boolean;
  /** The latest step; -1 if there is none. */
  last(): number;
}

/** @param capacity steps to remember */
export function createAttemptSteps(
  { runId, generation, attempt: number }: GenerationAttempt,
  role: Role,
  tracing: StepTracing | undefined,
  sink: StepSink,
  capacity: number,
): AttemptSteps {
  const attempt = { runId, generation, attempt: number };
  const traceIds = tracing && traceIdsOf(tracing.seed, attempt);
  const ring: MomentRing = createMomentRing(capacity);
  /** Frames of steps that received traced ones. */
  const framesOf = new Map<number, readonly TracedFrame[]>();
  /** Requests that were made for steps. */
  const callsOf = new Map<number, readonly RemoteCall[]>();
  const traced = new Set<number>();
  let last = -1;

  function find(step: number): RoleStep | undefined {
    const moments = ring.find(step);
    return moments && roleStepOf(role, step, moments);
  }

  function trace(step: number, roleStep = () => find(step)): boolean {
    if (!ring.has(step)) return false;
    if (!traceIds || traced.has(step)) return true;
    traced.add(step);
    sink.traced(() => {
      const found = roleStep();
      const calls = callsOf.get(step);
      const received = framesOf.get(step) ?? NO_FRAMES;
      return found && { attempt, traceId: traceIds(step), step: found, received, ...(calls && { calls }) };
    });
    return true;
  }

  return {
    attempt,
    role,
    traceIds,
    add(step, moments, received, sampled) {
      ring.keep(step, moments);
      last = step;
      framesOf.delete(step - capacity);
      callsOf.delete(step - capacity);
      traced.delete(step - capacity);
      let made: RoleStep | undefined;
      const roleStep = () => {
        made ??= find(step);
        return made;
      };
      sink.measured(roleStep);
      if (received.length > 0) framesOf.set(step, received);
      if (sampled || received.length > 0) trace(step, roleStep);
    },
    called(step, call) {
      if (traceIds) callsOf.set(step, [...(callsOf.get(step) ?? []), call]);
    },
    find,
    trace: (step) => trace(step),
    last: () => last,
  };
}
