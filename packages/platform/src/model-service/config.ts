import { z } from 'zod';
import { Address } from '../address.js';
import { LogConfig } from '../logging.js';
import { StoreConfig } from '../store/store-config.js';
import { TelemetryConfig } from '../telemetry/config.js';

/** Configuration of a model service: the anchor-server or one of the trainers. @param listen where it listens by default */
export function modelServiceConfig(listen: string) {
  return z.strictObject({
    listen: Address.default(listen).describe('address of the gRPC server; port 0: any that is free'),
    store: StoreConfig.describe('where checkpoints are'),
    drainSeconds: z.number().min(0).default(5).describe('for calls in hand when the process is asked to end'),
    telemetry: TelemetryConfig,
    log: LogConfig,
  });
}
export type ModelServiceConfig = z.infer<ReturnType<typeof modelServiceConfig>>;
