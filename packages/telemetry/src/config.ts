import { z } from 'zod';

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
