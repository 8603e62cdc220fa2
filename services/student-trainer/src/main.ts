import { runTrainer } from '@trikd/model-host/trainer/run-trainer';

process.exit(await runTrainer('student'));
