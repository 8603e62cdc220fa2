// Apart from score-run.ts, which loads the engine: a command whose runs are trained at a server does not.
import { TrikdError } from '@trikd/core/domain/errors';
import type { BestParams } from '@trikd/core/domain/role-checkpoint';
import { bestStage } from '@trikd/core/run/promotion';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { Learner, Stage } from '@trikd/core/stages/stage';
import { learnerAt, stageOf } from '../../run/participants.js';

/** A stage that has ended, wherever it was trained. */
export interface TrainedStage {
  /** Index of the stage. */
  readonly stage: number;
  readonly steps: number;
  /** By name. */
  readonly learners: Readonly<Record<string, { readonly best?: BestParams }>>;
}

/** The model that a run came to. */
export interface TrainedResult {
  readonly stage: Stage;
  readonly learner: Learner;
  readonly best: BestParams;
}

/** The student that validated best, as the run's rules choose it. @throws TrikdError 'corrupt' if the run has none */
export function trainedResult(spec: RunSpec, stages: readonly TrainedStage[]): TrainedResult {
  const index = bestStage(stages, spec);
  const stage = index === undefined ? undefined : stageOf(spec, index);
  const best = stage && stages[stage.index]?.learners[stage.decisive]?.best;
  if (!stage || !best) throw new TrikdError('corrupt', `run ${spec.name} has no result`);
  return { stage, learner: learnerAt(spec, stage.index, stage.decisive), best };
}
