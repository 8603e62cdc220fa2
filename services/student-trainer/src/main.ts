import { runTrainer } from '@trikd/model-host/trainer/run-trainer';
import { configOrExit } from '@trikd/process/config';
import { environment } from '@trikd/process/environment';
import { StudentTrainerConfig } from './config.js';

await runTrainer('student', configOrExit(StudentTrainerConfig, environment()));
process.exit(0);
