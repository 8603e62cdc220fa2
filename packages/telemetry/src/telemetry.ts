import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { Role } from '@trikd/core/domain/role';
import type { TrioStep } from '@trikd/core/timing/slow-steps';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';
import type { AttributeValues, Metric } from './semconv.js';
import type { StepSink } from './step-memory.js';

/** Where telemetry of a process goes. */
export interface Telemetry extends StepSink {
  /** What a trainer tells. */
  told(role: Role, event: TrainerEvent): void;
  /** The root of a step, on which the spans of all roles hang. */
  root(attempt: GenerationAttempt, seed: string, step: TrioStep): void;
  /** Something that took a while, in milliseconds since 1970; a trace of its own. */
  span(name: string, begun: number, ended: number, attributes: AttributeValues): void;
  record(metric: Metric, value: number, attributes?: AttributeValues): void;
  /** Sends what is left, but not for long. */
  stop(): Promise<void>;
}

/** Telemetry that goes nowhere. */
export const NO_TELEMETRY: Telemetry = {
  measured: () => undefined,
  traced: () => undefined,
  told: () => undefined,
  saved: () => undefined,
  root: () => undefined,
  span: () => undefined,
  record: () => undefined,
  stop: async () => undefined,
};
