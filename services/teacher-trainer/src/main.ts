import { runTrainer } from '@trikd/model-host/trainer/run-trainer';

await runTrainer('teacher');
process.exit(0);
