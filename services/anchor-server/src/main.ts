import { openAnchor } from '@trikd/core/training/anchor';
import { configOrExit } from '@trikd/platform/config';
import { loadDataset } from '@trikd/platform/data/load-dataset';
import { environment } from '@trikd/platform/environment';
import { createLogger } from '@trikd/platform/logging';
import { ANCHOR_SERVICES, anchorModule } from '@trikd/platform/model-service/anchor.module';
import { createAnchorHolder } from '@trikd/platform/model-service/anchor-holder';
import { rememberLast } from '@trikd/platform/model-service/remember-last';
import { runService } from '@trikd/platform/nest/run-service';
import { shutdownSignal } from '@trikd/platform/nest/shutdown';
import { openStoreOrExit } from '@trikd/platform/store/open-store';
import { systemClock } from '@trikd/platform/system-clock';
import { startTelemetry } from '@trikd/platform/telemetry/telemetry';
import { AnchorServerConfig } from './config.js';

const config = configOrExit(AnchorServerConfig, environment());
const log = createLogger(config.log, 'anchor-server');
const shutdown = shutdownSignal(log);
const telemetry = await startTelemetry('anchor-server', environment(), log);
const store = await openStoreOrExit(config.store, log);
const anchor = createAnchorHolder({
  store,
  loadDataset: rememberLast(loadDataset),
  openAnchor,
  clock: systemClock,
  random: Math.random,
  log,
  telemetry,
});
const module = anchorModule(anchor, shutdown);
await runService({ ...config, module, services: ANCHOR_SERVICES, log, shutdown, stop: anchor.stop });
await telemetry.stop();
process.exit(0);
