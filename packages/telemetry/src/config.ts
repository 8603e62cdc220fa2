import { z } from 'zod';

/** All other settings of telemetry are standard OTEL_* variables. */
export const TelemetryConfig = z
  .strictObject({
    everySteps: z
      .int()
      .min(0)
      .default(100)
      .describe(
        'traces every Nth step; 0: none. Only the value of the orchestrator takes effect; the other services accept it, so ' +
          'that all can share one environment',
      ),
  })
  .prefault({});
export type TelemetryConfig = z.infer<typeof TelemetryConfig>;
