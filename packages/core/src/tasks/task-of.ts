import { type TaskSpec, taskNamed } from './registry.js';
import type { Task } from './task.js';

/** The part of a run's spec that names its task. */
export interface TaskChoice {
  readonly task?: TaskSpec | undefined;
}

const known = new WeakMap<TaskChoice, Task>();

/** The task of a run. Default: classification. */
export function taskOf(spec: TaskChoice): Task {
  const task = known.get(spec) ?? chosen(spec.task ?? 'classification');
  known.set(spec, task);
  return task;
}

function chosen(spec: TaskSpec): Task {
  const { settings, task } = taskNamed(typeof spec === 'string' ? spec : spec.kind);
  return task(settings.parse(typeof spec === 'string' ? { kind: spec } : spec));
}
