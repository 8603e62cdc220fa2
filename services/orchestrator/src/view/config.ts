import { ServiceSeconds as Seconds } from '@trikd/core/spec/durations';
import { Address } from '@trikd/process/address';
import { LogConfig } from '@trikd/process/logging';
import { StoreConfig } from '@trikd/store/store-config';
import { HttpLimits } from '@trikd/transport/http/http-limits';
import { ServerLimits } from '@trikd/transport/limits/server-limits';
import { z } from 'zod';

/** Configuration of the viewer process, which `trikd dashboard` starts. Both of its servers are for this machine alone. */
export const ViewerConfig = z.strictObject({
  listen: Address.default('127.0.0.1:0').describe('address of the gRPC server; port 0: any'),
  http: z
    .strictObject({
      listen: Address.default('127.0.0.1:0').describe('address of the dashboard; port 0: any'),
      limits: HttpLimits.prefault({}),
    })
    .prefault({}),
  store: StoreConfig,
  look: Seconds.default(1).describe('between two looks at a run that is watched'),
  limits: ServerLimits.extend({ watchersPerRun: z.int().positive().default(1024) }).prefault({}),
  log: LogConfig,
});
