import { serveTask } from '../../../run/task-process.js';
import { scoreCell } from './score-cell.js';

serveTask(scoreCell);
