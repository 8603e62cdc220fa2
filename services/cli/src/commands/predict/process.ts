import { serveTask } from '../../run/task-process.js';
import { predictImages } from './predict.js';

serveTask(predictImages);
