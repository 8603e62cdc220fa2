import { z } from 'zod';
import { nameOrSettings } from '../spec/name-or-settings.js';
import { classificationTask } from './classification/classification.js';
import type { TaskDefinition } from './task.js';
import { verificationTask } from './verification/verification.js';

/** Every task. A new one is a folder beside these, and a name here and in `metrics.ts`. */
export const TASKS = [classificationTask, verificationTask] as const;

const [first, ...others] = TASKS;

/** A task with its settings, or its name alone. */
export const TaskSpec = nameOrSettings(
  'task',
  TASKS.map(({ settings }) => settings.shape.kind.value),
  z.discriminatedUnion('kind', [first.settings, ...others.map(({ settings }) => settings)]),
);
export type TaskSpec = z.infer<typeof TaskSpec>;

/** The definition of a task. */
export function taskNamed(kind: string): TaskDefinition {
  const found: TaskDefinition | undefined = TASKS.find(({ settings }) => settings.shape.kind.value === kind);
  if (!found) throw new TypeError(`there is no task ${kind}`);
  return found;
}
