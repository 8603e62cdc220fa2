import { configOrExit } from '@trikd/platform/config';
import { environment } from '@trikd/platform/environment';
import { runTrainer } from '@trikd/platform/model-service/run-trainer';
import { TeacherTrainerConfig } from './config.js';

await runTrainer('teacher', configOrExit(TeacherTrainerConfig, environment()));
process.exit(0);
