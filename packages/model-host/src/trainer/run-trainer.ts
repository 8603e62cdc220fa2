import type { TrainedRole } from '@trikd/core/domain/position';
import { configOrExit } from '@trikd/process/config';
import { admissionOf } from '@trikd/process/data-settings';
import { environment } from '@trikd/process/environment';
import { createLogger } from '@trikd/process/logging';
import { exitStatusOf, shutdownSignal, unlessShutDown } from '@trikd/process/shutdown';
import { systemClock } from '@trikd/process/system-clock';
import { openStoreOrExit } from '@trikd/store/open-store';
import { callMeter, refusalMeter } from '@trikd/telemetry/instruments';
import { startTelemetry } from '@trikd/telemetry/start-telemetry';
import { serviceOf } from '@trikd/transport/access/caller';
import { securityOrExit } from '@trikd/transport/access/security';
import { dialWith } from '@trikd/transport/grpc/exchange-client';
import { openReplicaStream } from '@trikd/transport/grpc/replica-client';
import { runService } from '@trikd/transport/nest/run-service';
import { admittingTrainer } from '../admitting.js';
import { trainerConfig } from '../config.js';
import { datasetLoader } from '../data/load-dataset.js';
import { readNumerics } from '../numerics.js';
import { trainingWithReplicas } from '../replica/remote-replica.js';
import { createReplicaHost } from '../replica/replica-host.js';
import { weightsReader } from '../weights.js';
import { createTrainer } from './trainer.js';
import { TRAINER_SERVICES, trainerModule } from './trainer.module.js';

/** Runs a trainer process until it is asked to exit. Resolves with its exit status. */
export async function runTrainer(role: TrainedRole): Promise<number> {
  const config = configOrExit(trainerConfig(role), environment());
  const log = createLogger(config.log, `${role}-trainer`);
  const shutdown = shutdownSignal(log);
  const security = securityOrExit(config, serviceOf(role), log);
  const telemetry = await startTelemetry(`${role}-trainer`, environment(), log);
  const store = await unlessShutDown(shutdown, openStoreOrExit(config.store, log, { verify: 'reads' }));
  const admission = admissionOf(config);
  const loadDataset = datasetLoader({ ...config, admission });
  const numerics = readNumerics(environment());
  const trained = createTrainer({
    role,
    store,
    loadDataset,
    readWeights: weightsReader(config.weights),
    trainStage: trainingWithReplicas({
      addresses: config.replicas,
      connect: (address, options) => openReplicaStream(address, { ...options, role, security }),
      clock: systemClock,
      numerics,
    }),
    dial: dialWith(security),
    clock: systemClock,
    random: Math.random,
    numerics,
    log,
    telemetry,
  });
  const trainer = admittingTrainer(trained, admission, config.peers);
  /** Streams stay open while the trainer leaves. */
  const left = new AbortController();
  const replicas = createReplicaHost({ role, admission, loadDataset, numerics, clock: systemClock, log });
  const leave = async () => {
    await Promise.all([trainer.leave(), replicas.leave()]);
    left.abort();
  };
  const module = trainerModule(trainer, replicas, left.signal);
  await runService({
    ...config,
    security,
    module,
    services: TRAINER_SERVICES,
    log,
    onCall: callMeter(telemetry.record),
    onRefused: refusalMeter(telemetry.record),
    shutdown,
    leave,
    stop: trainer.stop,
  });
  await telemetry.stop();
  return exitStatusOf(shutdown);
}
