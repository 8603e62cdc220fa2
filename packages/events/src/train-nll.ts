import type { TrainedRole } from './words.js';

/**
 * What the task term of a role is to be divided by to get the negative log-likelihood of the batch: its weight in the objective.
 * Undefined when the spec is not known or has no such term.
 */
export function taskWeight(spec: string, role: TrainedRole): number | undefined {
  const objective = memberOf(memberOf(jsonOf(spec), role), 'objective');
  if (!Array.isArray(objective)) return undefined;
  const task = objective.find((term: unknown) => memberOf(term, 'kind') === 'task');
  const weight = memberOf(task, 'weight') ?? (task && 1);
  return typeof weight === 'number' && weight > 0 ? weight : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
