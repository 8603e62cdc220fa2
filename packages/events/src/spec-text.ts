import type { TrainedRole } from './names.js';

/**
 * The weight of the task term in the objective of a role: the term divided by it is the negative log-likelihood of the batch.
 * Undefined when the spec is not known or has no such term, and when the weight is a schedule.
 */
export function taskWeight(spec: string, role: TrainedRole): number | undefined {
  const objective = memberOf(memberOf(jsonOf(spec), role), 'objective');
  if (!Array.isArray(objective)) return undefined;
  const task = objective.find((term: unknown) => memberOf(term, 'kind') === 'task');
  const weight = memberOf(task, 'weight') ?? (task && 1);
  return typeof weight === 'number' && weight > 0 ? weight : undefined;
}

/** Generations of the curriculum, at most; undefined when the spec is not known. */
export function generationsIn(spec: string): number | undefined {
  const many = memberOf(memberOf(jsonOf(spec), 'curriculum'), 'generations');
  return typeof many === 'number' ? many : undefined;
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
