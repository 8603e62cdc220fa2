import type { z } from 'zod';
import type { Task } from './task.js';

/** The settings of a task have a literal `kind`, which is its name. */
export type TaskSettings = z.ZodObject<{ readonly kind: z.ZodLiteral<string> }>;

/** A task as the registry keeps it. */
export interface TaskDefinition<Schema extends TaskSettings = TaskSettings> {
  readonly settings: Schema;
  task(settings: z.output<Schema>): Task;
}

/** Infers the type of the settings of a task. */
export function defineTask<Schema extends TaskSettings>(definition: TaskDefinition<Schema>): TaskDefinition<Schema> {
  return definition;
}
