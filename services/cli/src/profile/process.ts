import { serveTask } from '../task-process.js';
import { profileRun } from './profile.js';

serveTask(profileRun);
