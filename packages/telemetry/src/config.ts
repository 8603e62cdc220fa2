import { z } from 'zod';

/** Everything else about telemetry is in the standard OTEL_* variables. */
export const TelemetryConfig = z
  .strictObject({
    everySteps: z
      .int()
      .min(0)
      .default(100)
      .describe(
        'steps whose number it divides are traced in all processes that send spans; 0: none. That of the orchestrator counts, which ' +
          'tells the others; they take it too, so that one environment serves all',
      ),
  })
  .prefault({});
export type TelemetryConfig = z.infer<typeof TelemetryConfig>;
