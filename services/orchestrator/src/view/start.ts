import { ServiceSeconds as Seconds } from '@trikd/core/spec/fields';
import { Address } from '@trikd/process/address';
import { configOrExit } from '@trikd/process/config';
import { environment } from '@trikd/process/environment';
import { createLogger, LogConfig } from '@trikd/process/logging';
import { exitOn, exitStatusOf, shutdownSignal, unlessShutDown } from '@trikd/process/shutdown';
import { systemClock } from '@trikd/process/system-clock';
import { asOneStore, openRunPlaces } from '@trikd/store/run-places';
import { StoreConfig } from '@trikd/store/store-config';
import { HttpLimits } from '@trikd/transport/http/http-limits';
import { ServerLimits } from '@trikd/transport/limits/server-limits';
import { runService } from '@trikd/transport/nest/run-service';
import { z } from 'zod';
import { dashboardFor } from '../api/dashboard.js';
import { orchestratorModule } from '../api/orchestrator.module.js';
import { RUN_SERVICE } from '../api/run-service.js';
import { viewer } from './viewer.js';

/** Configuration of the viewer process, which `trikd dashboard` starts. Both of its servers are for this machine alone. */
const ViewerConfig = z.strictObject({
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

const config = configOrExit(ViewerConfig, environment());
const log = createLogger(config.log, 'orchestrator');
const shutdown = shutdownSignal(log);
const opened = openRunPlaces(config.store).catch((error: unknown) => exitOn(error, log));
const places = await unlessShutDown(shutdown, opened);
const { look, limits } = config;
const { watchersPerRun } = limits;
const orchestrator = viewer({ store: asOneStore(places), clock: systemClock, look, watchersPerRun });
const http = { ...config.http, hosts: [] };
const sidecar = dashboardFor({ http, plaintext: 'loopback' }, { log });

await runService({
  module: orchestratorModule(orchestrator),
  services: { 'trikd.v1.RunService': RUN_SERVICE },
  listen: config.listen,
  limits,
  log,
  shutdown,
  stop: orchestrator.drain,
  ...(sidecar && { sidecar }),
});
process.exit(exitStatusOf(shutdown));
