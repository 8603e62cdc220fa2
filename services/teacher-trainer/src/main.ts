import { runTrainer } from '@trikd/model-host/trainer/run-trainer';
import { configOrExit } from '@trikd/process/config';
import { environment } from '@trikd/process/environment';
import { TeacherTrainerConfig } from './config.js';

await runTrainer('teacher', configOrExit(TeacherTrainerConfig, environment()));
process.exit(0);
