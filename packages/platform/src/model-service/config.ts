import { MAX_SERVICE_SECONDS } from '@trikd/core/durations';
import { z } from 'zod';
import { LogConfig } from '../logging.js';
import { StoreConfig } from '../store/store-config.js';
import { TelemetryConfig } from '../telemetry/config.js';

/** Configuration of a model service: the anchor-server or one of the trainers. @param listen where it listens by default */
export function modelServiceConfig(listen: string) {
  return z.strictObject({
    listen: z.string().min(1).default(listen).describe('address of the gRPC server; port 0: any that is free'),
    store: StoreConfig.describe('where checkpoints are'),
    drainSeconds: z
      .number()
      .min(0)
      .max(MAX_SERVICE_SECONDS)
      .default(5)
      .describe('for calls in progress when the process is asked to end'),
    telemetry: TelemetryConfig,
    log: LogConfig,
  });
}
export type ModelServiceConfig = z.infer<ReturnType<typeof modelServiceConfig>>;
