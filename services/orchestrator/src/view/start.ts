import { configOrExit } from '@trikd/process/config';
import { environment } from '@trikd/process/environment';
import { exitOn } from '@trikd/process/exit-on';
import { createLogger } from '@trikd/process/logging';
import { exitStatusOf, shutdownSignal, unlessShutDown } from '@trikd/process/shutdown';
import { systemClock } from '@trikd/process/system-clock';
import { asOneStore, openRunPlaces } from '@trikd/store/run-places';
import { runService } from '@trikd/transport/nest/run-service';
import { dashboardFor } from '../api/dashboard.js';
import { orchestratorModule } from '../api/orchestrator.module.js';
import { RUN_SERVICE } from '../api/run-service.js';
import { ViewerConfig } from './config.js';
import { viewer } from './viewer.js';

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
