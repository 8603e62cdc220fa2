import type { Pauses } from '../async/slices.js';
import { makeBatch, readBatchAhead } from '../data/batch.js';
import type { Dataset } from '../data/split.js';
import { TrikdError } from '../domain/errors.js';
import type { StageAttempt } from '../domain/position.js';
import type { Score } from '../domain/role-checkpoint.js';
import type { LogitsFrame } from '../exchange/frame.js';
import { formatOf } from '../exchange/frame.js';
import { toSent } from '../exchange/sent-logits.js';
import type { Params } from '../models/params.js';
import type { ModelSpec } from '../models/registry.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { LoadedFrozen } from '../stages/stage.js';
import type { StepListener } from '../timing/moments.js';
import { evaluate } from './evaluate.js';
import { PREDICT } from './role-program.js';
import { engineSessions, type ModelSessions } from './sessions.js';

/** A frozen model of a stage. It does not learn, so its frame of a step depends on the step alone. */
export interface AnsweringModel {
  /** @param steps receives the moments of the step up to its logits */
  logits(step: number, steps?: StepListener): Promise<LogitsFrame>;
  close(): Promise<void>;
}

/** A frozen model that can be scored. */
export interface FrozenModel extends AnsweringModel {
  /** @param pauses of a process that has other work meanwhile */
  evaluate(split: 'validation' | 'test', pauses?: Pauses): Promise<Score>;
}

/**
 * Opens a frozen model.
 * @throws TrikdError 'invalid' if the params are not those of the model
 */
export async function openFrozen(
  spec: RunSpec,
  dataset: Dataset,
  model: ModelSpec,
  params: Params,
  attempt: StageAttempt,
  sessions: ModelSessions = engineSessions,
): Promise<FrozenModel> {
  const { stage } = attempt;
  const format = formatOf(spec, dataset.classes);
  const session = await sessions.openFrozen({ spec, dataset }, model, params);
  return {
    async logits(step, steps) {
      steps?.(step, 'data');
      const batch = makeBatch(dataset, spec, stage, step);
      readBatchAhead(dataset, spec, stage, step + 1);
      steps?.(step, 'forward');
      const { logits } = await session.run(PREDICT, { images: batch.images });
      const own = { rows: spec.batchSize, cols: dataset.classes, data: logits! };
      return {
        position: { ...attempt, step },
        batchDigest: batch.digest,
        logits: toSent(own, format, `step ${step} of a frozen model`),
      };
    },
    evaluate: (split, pauses) => evaluate({ session, spec, dataset }, dataset[split], { pauses }),
    close: () => session.close(),
  };
}

/** The data of a run for a frozen model that expects its images normalised in its own way. @throws TrikdError 'invalid' for another number of channels */
export function normalisedFor(dataset: Dataset, { preprocessing }: Pick<LoadedFrozen, 'preprocessing'>): Dataset {
  if (!preprocessing) return dataset;
  const { mean, std } = preprocessing;
  if (mean.length === dataset.channels) return { ...dataset, mean, std };
  throw new TrikdError('invalid', `preprocessing for ${mean.length} channels, the images have ${dataset.channels}`);
}
