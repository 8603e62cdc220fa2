import { runTrainer } from '@trikd/model-host/trainer/run-trainer';

await runTrainer('student');
process.exit(0);
