import { serveTask } from '../../run/task-process.js';
import { evaluateRun } from './evaluate.js';

serveTask(evaluateRun);
