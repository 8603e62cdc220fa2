import { configOrExit } from '@trikd/process/config';
import { environment } from '@trikd/process/environment';
import { auditLogger, createLogger } from '@trikd/process/logging';
import { exitStatusOf, shutdownSignal, unlessShutDown } from '@trikd/process/shutdown';
import { systemClock } from '@trikd/process/system-clock';
import { openStoreOrExit } from '@trikd/store/open-store';
import { callMeter, refusalMeter } from '@trikd/telemetry/instruments';
import { startTelemetry } from '@trikd/telemetry/start-telemetry';
import { auditLog } from '@trikd/transport/access/audit-log';
import { loginFacts } from '@trikd/transport/access/oidc-config';
import { securityOrExit } from '@trikd/transport/access/security';
import { verifierOrExit } from '@trikd/transport/access/tokens';
import { runService } from '@trikd/transport/nest/run-service';
import { dashboardFor } from './api/dashboard.js';
import { orchestratorModule } from './api/orchestrator.module.js';
import { RUN_SERVICE } from './api/run-service.js';
import { dialledIn, OrchestratorConfig, placementOf } from './config.js';
import { orchestratorServiceOrExit } from './service.js';

const config = configOrExit(OrchestratorConfig, environment());
const log = createLogger(config.log, 'orchestrator');
const shutdown = shutdownSignal(log);
const security = securityOrExit(config, 'orchestrator', log, dialledIn(config));
const telemetry = await startTelemetry('orchestrator', environment(), log);
const store = await unlessShutDown(shutdown, openStoreOrExit(config.store, log));
const trio = await localTrio();
const { orchestrator, stop } = orchestratorServiceOrExit(config, store, log, telemetry, security, trio);

const { oidc } = config;
const tokens = oidc && verifierOrExit(oidc, log);
const audit = auditLog(auditLogger(config.audit, 'orchestrator', log));
const onRefused = refusalMeter(telemetry.record);
const sidecar = dashboardFor(config, { security, audit, onRefused, log, ...(tokens && { tokens }) });

await runService({
  module: orchestratorModule(orchestrator),
  services: { 'trikd.v1.RunService': RUN_SERVICE },
  listen: config.listen,
  health: config.health,
  security,
  limits: config.limits,
  log,
  onCall: callMeter(telemetry.record),
  onRefused,
  audit,
  ...(oidc && tokens && { tokens, login: loginFacts(oidc) }),
  shutdown,
  stop,
  ...(sidecar && { sidecar }),
  // Watchers of a run still get the event that it was drained.
  drainSeconds: config.times.drain + 2,
});
await telemetry.stop();
process.exit(exitStatusOf(shutdown));

/** The trio of a placement in this process. TensorFlow is loaded for it, and by no other orchestrator. */
async function localTrio() {
  if (placementOf(config).kind !== 'in-process') return undefined;
  const { openLocalTrio } = await import('@trikd/model-host/local-trio');
  return openLocalTrio(config, { store, clock: systemClock, random: Math.random, log, telemetry });
}
