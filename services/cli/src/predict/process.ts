import { serveTask } from '../task-process.js';
import { predictImages } from './predict.js';

serveTask(predictImages);
