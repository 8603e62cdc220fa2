import type { Logger } from '@trikd/process/logging';
import { z } from 'zod';
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

/** All other settings of telemetry are standard OTEL_* variables. */
export const TelemetryConfig = z
  .strictObject({
    everySteps: z
      .int()
      .min(0)
      .default(100)
      .describe(
        'traces every Nth step, and of the requests for served models whose callers have no trace every Nth; 0: none. ' +
          'Of steps only the value of the orchestrator takes effect',
      ),
  })
  .prefault({});
export type TelemetryConfig = z.infer<typeof TelemetryConfig>;
