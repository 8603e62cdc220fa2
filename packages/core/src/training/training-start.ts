import type { GenerationAttempt } from '../domain/position.js';
import type { TrainedRole } from '../domain/role.js';
import type { BestParams } from '../domain/role-checkpoint.js';
import type { Params } from '../models/params.js';
import type { RunSpec } from '../spec/run-spec.js';

/** What the training loop of one generation starts from. */
export interface TrainingStart {
  readonly role: TrainedRole;
  readonly spec: RunSpec;
  readonly attempt: GenerationAttempt;
  /** First step to train. */
  readonly startStep: number;
  /** State at `startStep`. Absent for fresh params; then `startStep` is 0. */
  readonly resume?: { readonly state: Params; readonly best?: BestParams };
}
