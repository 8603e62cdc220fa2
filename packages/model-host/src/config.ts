import { MAX_SERVICE_SECONDS } from '@trikd/core/spec/durations';
import { Address } from '@trikd/process/address';
import { LogConfig } from '@trikd/process/logging';
import { StoreConfig } from '@trikd/store/store-config';
import { TelemetryConfig } from '@trikd/telemetry/config';
import { z } from 'zod';

/** Configuration of a model service: the anchor-server or one of the trainers. @param listen where it listens by default */
export function modelServiceConfig(listen: string) {
  return z.strictObject({
    listen: Address.default(listen).describe('address of the gRPC server; port 0: any that is free'),
    store: StoreConfig.describe('where checkpoints are'),
    drainSeconds: z.number().min(0).max(MAX_SERVICE_SECONDS).default(5).describe('for open calls to end after SIGTERM'),
    telemetry: TelemetryConfig,
    log: LogConfig,
  });
}
export type ModelServiceConfig = z.infer<ReturnType<typeof modelServiceConfig>>;
