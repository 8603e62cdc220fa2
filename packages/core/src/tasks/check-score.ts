import type { Score } from '../domain/role-checkpoint.js';
import { measured } from './metrics.js';
import type { Task } from './task.js';

/** Whether a score has the primary metric, every number is finite, and every share is from 0 to 1. */
export function isScoreOf({ primary }: Task, { metrics }: Score): boolean {
  return (
    metrics[primary.name] !== undefined &&
    measured(metrics).every(({ metric, value }) => {
      return Number.isFinite(value) && (metric.format !== 'share' || (value >= 0 && value <= 1));
    })
  );
}

/** The metrics of a score in words, `accuracy NaN, NLL NaN`, when one of them is not finite. */
export function notFinite({ metrics }: Score): string | undefined {
  const all = measured(metrics);
  if (all.every(({ value }) => Number.isFinite(value))) return undefined;
  return all.map(({ metric, value }) => `${metric.label} ${value}`).join(', ');
}
