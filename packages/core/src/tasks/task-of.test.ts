import { expect, test } from 'vitest';
import { TaskSpec } from './registry.js';
import { taskOf } from './task-of.js';

test('the task of a spec that names none is classification', () => {
  expect(taskOf({}).kind).toBe('classification');
  expect(taskOf({ task: undefined })).toBe(taskOf({ task: 'classification' }));
});

test('a task by its name alone has the defaults of its settings', () => {
  const facts = { classes: 5 };
  const head = taskOf({ task: TaskSpec.parse({ kind: 'verification' }) }).head(facts);
  expect(taskOf({ task: 'verification' }).head(facts)).toEqual(head);
  expect(head).toEqual([
    { kind: 'embedding', name: 'embedding', units: 128 },
    { kind: 'cosine', name: 'identities', units: 5, scale: 64 },
  ]);
});

test('the settings of verification decide its head', () => {
  const task = TaskSpec.parse({ kind: 'verification', embedding: 16, margin: { kind: 'cosface', scale: 20 } });
  expect(taskOf({ task }).head({ classes: 3 })).toMatchObject([{ units: 16 }, { units: 3, scale: 20 }]);
});

test('a task has no settings but its own', () => {
  expect(TaskSpec.safeParse({ kind: 'classification', embedding: 16 }).success).toBe(false);
  expect(TaskSpec.safeParse('regression').success).toBe(false);
});
