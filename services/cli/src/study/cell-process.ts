import { serveTask } from '../task-process.js';
import { trainCell } from './train-cell.js';

serveTask(trainCell);
