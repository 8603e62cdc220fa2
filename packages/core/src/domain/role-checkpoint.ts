/** The best validated params of a stage so far. */
export interface BestParams {
  /** Number of steps trained before it. */
  readonly step: number;
  readonly validation: Score;
  /** Reported, never used for a decision. Known only at the end of a stage. */
  readonly test?: Score;
  readonly params: Blob;
}

/** One role's part of a checkpoint: everything that resuming at `step` needs. */
export interface RoleCheckpoint {
  /** Number of steps trained before it. */
  readonly step: number;
  /** Params, batch-norm statistics and optimizer slots. */
  readonly state: Blob;
  /** Absent before the first validation. */
  readonly best?: BestParams;
}

/** An object in the store, identified by its content. */
export interface Blob {
  readonly key: string;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
}

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
