import type { RunSpec } from '../spec/run-spec.js';
import { classification } from './classification/classification.js';
import type { Task } from './task.js';

/** The task of a run. */
export function taskOf(_spec: RunSpec): Task {
  return classification;
}
