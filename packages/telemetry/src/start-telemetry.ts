import type { Logger } from '@trikd/process/logging';
import { NO_TELEMETRY, type Telemetry } from './telemetry.js';

/** Setting any of these turns telemetry on. */
const SWITCHES = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_TRACES_EXPORTER',
  'OTEL_METRICS_EXPORTER',
];

/** Whether the standard variables turn telemetry on. While they do not, the SDK is not even loaded. */
export function isTelemetryOn(env: Readonly<Record<string, string | undefined>>): boolean {
  return env.OTEL_SDK_DISABLED?.toLowerCase() !== 'true' && SWITCHES.some((name) => (env[name] ?? '') !== '');
}

/** Starts the telemetry of a service as the standard OTEL_* variables configure it. @param service name of the service */
export async function startTelemetry(
  service: string,
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
): Promise<Telemetry> {
  if (!isTelemetryOn(env)) return NO_TELEMETRY;
  const { startSdk } = await import('./sdk.js');
  return startSdk(service, env, log);
}
