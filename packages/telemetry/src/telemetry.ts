import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { Role } from '@trikd/core/domain/role';
import type { TrioStep } from '@trikd/core/timing/slow-steps';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';
import type { Logger } from '@trikd/process/logging';
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

/** Any of them says that somebody wants telemetry. */
const WISHES = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_TRACES_EXPORTER',
  'OTEL_METRICS_EXPORTER',
];

/** Whether the standard variables ask for telemetry: with none of them set, the SDK is not even loaded. */
export function isWanted(env: Readonly<Record<string, string | undefined>>): boolean {
  return env.OTEL_SDK_DISABLED?.toLowerCase() !== 'true' && WISHES.some((name) => (env[name] ?? '') !== '');
}

/** The telemetry of a service, as the standard OTEL_* variables want it. @param service its name */
export async function startTelemetry(
  service: string,
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
): Promise<Telemetry> {
  if (!isWanted(env)) return NO_TELEMETRY;
  const { startSdk } = await import('./sdk.js');
  return startSdk(service, env, log);
}
