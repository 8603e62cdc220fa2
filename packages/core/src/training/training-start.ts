import type { GenerationAttempt } from '../domain/position.js';
import type { TrainedRole } from '../domain/role.js';
import type { BestParams } from '../domain/role-checkpoint.js';
import type { Params } from '../models/params.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { Stage } from '../stages/stage.js';

/** What the training loop of one stage starts from. */
export interface TrainingStart {
  /** The slot whose learner is trained. */
  readonly role: TrainedRole;
  readonly spec: RunSpec;
  /** As it is run. */
  readonly stage: Stage;
  readonly attempt: GenerationAttempt;
  /** First step to train. */
  readonly startStep: number;
  /** Params to start from instead of random ones; others among them are ignored. Absent when `resume` is there. */
  readonly init?: Params;
  /** State at `startStep`. Absent at the start of a stage; then `startStep` is 0. */
  readonly resume?: { readonly state: Params; readonly best?: BestParams };
}
