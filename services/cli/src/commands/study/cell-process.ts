import { serveTask } from '../../run/task-process.js';
import { trainCell } from './train-cell.js';

serveTask(trainCell);
