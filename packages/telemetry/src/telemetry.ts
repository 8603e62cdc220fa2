import type { Role, StageAttempt } from '@trikd/core/domain/position';
import type { TrioStep } from '@trikd/core/timing/slow-steps';
import type { TrainerEvent } from '@trikd/core/training/ports';
import type { RequestTrace } from './request-trace.js';
import type { AttributeValues, Metric } from './semconv.js';
import { NO_SINK, type StepSink } from './step-trace.js';

/** The traces and metrics of a process. */
export interface Telemetry extends StepSink {
  /** Measures an event of a trainer. */
  emitted(role: Role, event: TrainerEvent): void;
  /** Exports the root span of a step, the parent of the spans of all roles. */
  root(attempt: StageAttempt, seed: string, step: TrioStep): void;
  /** Exports a span in a trace of its own. Times are in milliseconds since 1970. */
  span(name: string, started: number, ended: number, attributes: AttributeValues): void;
  /** Exports the spans of a request for outputs of a served model. */
  request(trace: RequestTrace): void;
  record(metric: Metric, value: number, attributes?: AttributeValues): void;
  /** Exports what is pending, for a limited time. */
  stop(): Promise<void>;
}

/** Telemetry that is turned off. */
export const NO_TELEMETRY: Telemetry = {
  ...NO_SINK,
  emitted: () => undefined,
  root: () => undefined,
  span: () => undefined,
  request: () => undefined,
  record: () => undefined,
  stop: async () => undefined,
};
