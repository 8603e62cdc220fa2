import { serveTask } from '../../run/task-process.js';
import { profileRun } from './profile.js';

serveTask(profileRun);
