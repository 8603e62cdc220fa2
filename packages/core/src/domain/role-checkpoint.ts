import type { Blob } from './blob.js';
import type { Score } from './score.js';

/** The best validated params of a generation so far. */
export interface BestParams {
  /** Number of steps trained before it. */
  readonly step: number;
  readonly validation: Score;
  /** Reported, never used for a decision. Known only at the end of a generation. */
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
