import { serveTask } from '../../run/task-process.js';
import { exportRun } from './export-run.js';

serveTask(exportRun);
