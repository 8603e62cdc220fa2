import { openFrozen } from '@trikd/core/training/frozen';
import { admittingAnchor } from '@trikd/model-host/admitting';
import { ANCHOR_SERVICES, anchorModule } from '@trikd/model-host/anchor/anchor.module';
import { createAnchorHolder } from '@trikd/model-host/anchor/anchor-holder';
import { modelServiceConfig } from '@trikd/model-host/config';
import { datasetLoader } from '@trikd/model-host/data/load-dataset';
import { readNumerics } from '@trikd/model-host/numerics/read-numerics';
import { weightsReader } from '@trikd/model-host/weights/weights-reader';
import { configOrExit } from '@trikd/process/config';
import { admissionOf } from '@trikd/process/data-settings';
import { environment } from '@trikd/process/environment';
import { createLogger } from '@trikd/process/logging';
import { exitStatusOf, shutdownSignal, unlessShutDown } from '@trikd/process/shutdown';
import { systemClock } from '@trikd/process/system-clock';
import { openStoreOrExit } from '@trikd/store/open-store';
import { callMeter, refusalMeter } from '@trikd/telemetry/instruments';
import { startTelemetry } from '@trikd/telemetry/start-telemetry';
import { securityOrExit } from '@trikd/transport/access/security';
import { runService } from '@trikd/transport/nest/run-service';

const config = configOrExit(modelServiceConfig('anchor'), environment());
const log = createLogger(config.log, 'anchor-server');
const shutdown = shutdownSignal(log);
const security = securityOrExit(config, 'anchor-server', log);
const telemetry = await startTelemetry('anchor-server', environment(), log);
const store = await unlessShutDown(shutdown, openStoreOrExit(config.store, log, { verify: 'reads' }));
const admission = admissionOf(config);
const holder = createAnchorHolder({
  store,
  loadDataset: datasetLoader({ ...config, admission }),
  openFrozen,
  readWeights: weightsReader(config.weights),
  clock: systemClock,
  random: Math.random,
  numerics: readNumerics(environment()),
  log,
  telemetry,
});
const anchor = admittingAnchor(holder, admission);
const module = anchorModule(anchor, shutdown);
await runService({
  ...config,
  security,
  module,
  services: ANCHOR_SERVICES,
  log,
  onCall: callMeter(telemetry.record),
  onRefused: refusalMeter(telemetry.record),
  shutdown,
  stop: anchor.stop,
});
await telemetry.stop();
process.exit(exitStatusOf(shutdown));
