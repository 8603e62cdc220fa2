import { serveTask } from '../../task-process.js';
import { scoreCell } from './score-cell.js';

serveTask(scoreCell);
