import { trainGeneration } from '@trikd/core/training/trainer';
import { configOrExit } from '@trikd/platform/config';
import { loadDataset } from '@trikd/platform/data/load-dataset';
import { environment } from '@trikd/platform/environment';
import { dialProducer } from '@trikd/platform/grpc/exchange-client';
import { createLogger } from '@trikd/platform/logging';
import { rememberLast } from '@trikd/platform/model-service/remember-last';
import { createTrainer } from '@trikd/platform/model-service/trainer';
import { TRAINER_SERVICES, trainerModule } from '@trikd/platform/model-service/trainer.module';
import { runService } from '@trikd/platform/nest/run-service';
import { shutdownSignal } from '@trikd/platform/nest/shutdown';
import { openStoreOrExit } from '@trikd/platform/store/open-store';
import { systemClock } from '@trikd/platform/system-clock';
import { StudentTrainerConfig } from './config.js';

const config = configOrExit(StudentTrainerConfig, environment());
const log = createLogger(config.log, 'student-trainer');
const shutdown = shutdownSignal(log);
const store = await openStoreOrExit(config.store, log);
const trainer = createTrainer({
  role: 'student',
  store,
  loadDataset: rememberLast(loadDataset),
  trainGeneration,
  dial: dialProducer,
  clock: systemClock,
  random: Math.random,
  log,
});
const module = trainerModule(trainer, shutdown);
await runService({ ...config, module, services: TRAINER_SERVICES, log, shutdown, stop: trainer.stop });
process.exit(0);
