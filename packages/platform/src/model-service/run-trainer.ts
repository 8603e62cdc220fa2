import type { TrainedRole } from '@trikd/core/position';
import { trainGeneration } from '@trikd/core/training/trainer';
import { loadDataset } from '../data/load-dataset.js';
import { environment } from '../environment.js';
import { dialProducer } from '../grpc/exchange-client.js';
import { createLogger } from '../logging.js';
import { runService } from '../nest/run-service.js';
import { shutdownSignal } from '../nest/shutdown.js';
import { openStoreOrExit } from '../store/open-store.js';
import { systemClock } from '../system-clock.js';
import { startTelemetry } from '../telemetry/telemetry.js';
import type { ModelServiceConfig } from './config.js';
import { rememberLast } from './remember-last.js';
import { createTrainer } from './trainer.js';
import { TRAINER_SERVICES, trainerModule } from './trainer.module.js';

/** The process of a trainer, from its start to its end. */
export async function runTrainer(role: TrainedRole, config: ModelServiceConfig): Promise<void> {
  const log = createLogger(config.log, `${role}-trainer`);
  const shutdown = shutdownSignal(log);
  const telemetry = await startTelemetry(`${role}-trainer`, environment(), log);
  const store = await openStoreOrExit(config.store, log);
  const trainer = createTrainer({
    role,
    store,
    loadDataset: rememberLast(loadDataset),
    trainGeneration,
    dial: dialProducer,
    clock: systemClock,
    random: Math.random,
    log,
    telemetry,
  });
  /** Streams go on while the trainer takes its leave. */
  const left = new AbortController();
  const leave = async () => {
    await trainer.leave();
    left.abort();
  };
  const module = trainerModule(trainer, left.signal);
  await runService({ ...config, module, services: TRAINER_SERVICES, log, shutdown, leave, stop: trainer.stop });
  await telemetry.stop();
}
