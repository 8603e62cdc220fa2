import { fileURLToPath } from 'node:url';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { openFrozen } from '@trikd/core/training/frozen';
import { admittingAnchor } from '@trikd/model-host/admitting';
import { ANCHOR_SERVICES, anchorModule } from '@trikd/model-host/anchor/anchor.module';
import { createAnchorHolder } from '@trikd/model-host/anchor/anchor-holder';
import { anchorConfig } from '@trikd/model-host/config';
import { datasetLoader, loadDataset } from '@trikd/model-host/data/load-dataset';
import { readNumerics } from '@trikd/model-host/numerics';
import { createModelServer } from '@trikd/model-host/serving/model-server';
import { servingHttp, servingService, servingSidecar } from '@trikd/model-host/serving/serving-service';
import { weightsReader } from '@trikd/model-host/weights';
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
import { verifierOrExit } from '@trikd/transport/access/tokens';
import { endpointAccessOf } from '@trikd/transport/inference/endpoint-settings';
import { openEndpointWith } from '@trikd/transport/inference/inference-server';
import { runService } from '@trikd/transport/nest/run-service';

/** Where `make build` leaves the page. */
const PAGE = fileURLToPath(new URL('../../dashboard/dist', import.meta.url));

const config = configOrExit(anchorConfig(), environment());
const log = createLogger(config.log, 'anchor-server');
const shutdown = shutdownSignal(log);
const { serving } = config;
const listen = serving?.alone ? serving.listen : config.listen;
const security = securityOrExit({ ...config, listen }, 'anchor-server', log);
const telemetry = await startTelemetry('anchor-server', environment(), log);
const store = await unlessShutDown(shutdown, openStoreOrExit(config.store, log, { verify: 'reads' }));
const admission = admissionOf({ ...config, listen });
const parts = { store, clock: systemClock, random: Math.random, log, telemetry };

/** The models that the configuration serves. */
function servedModels() {
  if (!serving) return undefined;
  const load = (spec: RunSpec) => loadDataset(spec, { ...config, admission });
  const everyRequests = config.telemetry.everySteps;
  const models = createModelServer({ ...parts, settings: serving, loadDataset: load, everyRequests });
  const tokens = serving.oidc && verifierOrExit(serving.oidc, log);
  const { plaintext } = config;
  return {
    ...{ models, config: serving, security, plaintext, page: PAGE, log, telemetry, shutdown },
    ...(tokens && { tokens }),
  };
}

/** The frozen models of a run, and beside them those that are served. */
async function runAnchor(served: ReturnType<typeof servedModels>): Promise<void> {
  const endpoints = endpointAccessOf(config);
  const holder = createAnchorHolder({
    ...parts,
    loadDataset: datasetLoader({ ...config, admission }),
    openFrozen,
    readWeights: weightsReader(config.weights),
    openEndpoint: openEndpointWith(config, endpoints),
    numerics: readNumerics(environment()),
  });
  const anchor = admittingAnchor(holder, { ...admission, endpoints });
  await runService({
    ...config,
    security,
    module: anchorModule(anchor, shutdown),
    services: ANCHOR_SERVICES,
    log,
    onCall: callMeter(telemetry.record),
    onRefused: refusalMeter(telemetry.record),
    shutdown,
    stop: async () => {
      await Promise.all([anchor.stop(), served?.models.stop()]);
    },
    ...(served && { sidecar: servingSidecar(served, config.drainSeconds) }),
  });
}

const served = servedModels();
if (served?.config.alone) {
  const { health, drainSeconds } = config;
  const sidecar = servingHttp(served);
  const { stop } = served.models;
  await runService({ ...servingService(served), health, drainSeconds, shutdown, stop, ...(sidecar && { sidecar }) });
} else await runAnchor(served);
await telemetry.stop();
process.exit(exitStatusOf(shutdown));
