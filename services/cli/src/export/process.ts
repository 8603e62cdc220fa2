import { serveTask } from '../task-process.js';
import { exportRun } from './export-run.js';

serveTask(exportRun);
