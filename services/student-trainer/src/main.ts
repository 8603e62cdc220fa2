import { configOrExit } from '@trikd/platform/config';
import { environment } from '@trikd/platform/environment';
import { runTrainer } from '@trikd/platform/model-service/run-trainer';
import { StudentTrainerConfig } from './config.js';

await runTrainer('student', configOrExit(StudentTrainerConfig, environment()));
process.exit(0);
