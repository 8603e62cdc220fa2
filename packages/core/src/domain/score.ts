/** How well a model performs on one split. */
export interface Score {
  /** By name. What they are, and which is better, is up to the task of the run. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly examples: number;
}

/** Metrics of a score, at most: manifests and states stay small. */
export const MOST_METRICS = 8;

/** Whether every name is short and plain, and there are not too many. */
export function areMetrics(metrics: Readonly<Record<string, number>>): boolean {
  const names = Object.keys(metrics);
  return names.length <= MOST_METRICS && names.every((name) => /^[a-z][a-z0-9-]{0,30}$/.test(name));
}
