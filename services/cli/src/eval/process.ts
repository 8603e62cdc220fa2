import { serveTask } from '../task-process.js';
import { evaluateRun } from './evaluate.js';

serveTask(evaluateRun);
