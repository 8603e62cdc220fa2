import { makeBatch } from '../data/batch.js';
import type { Dataset } from '../data/split.js';
import type { GenerationAttempt } from '../domain/position.js';
import type { Score } from '../domain/score.js';
import type { LogitsFrame } from '../exchange/frame.js';
import type { Params } from '../models/params.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { StepListener } from '../timing/moments.js';
import { evaluate } from './evaluate.js';
import { PREDICT } from './role-program.js';
import { engineSessions, type ModelSessions } from './sessions.js';

/** The frozen model of a generation. It does not learn, so its frame of a step depends on the step alone. */
export interface AnchorModel {
  /** @param steps receives the moments of the step up to its logits */
  logits(step: number, steps?: StepListener): Promise<LogitsFrame>;
  evaluate(split: 'validation' | 'test'): Promise<Score>;
  close(): Promise<void>;
}

/**
 * Opens the anchor of a generation with the params of a promoted student.
 * @throws TrikdError 'invalid' if the params are not those of the spec's student
 */
export async function openAnchor(
  spec: RunSpec,
  dataset: Dataset,
  params: Params,
  attempt: GenerationAttempt,
  sessions: ModelSessions = engineSessions,
): Promise<AnchorModel> {
  const { generation } = attempt;
  const session = await sessions.openAnchor({ spec, dataset, generation }, params);
  return {
    async logits(step, steps) {
      steps?.(step, 'data');
      const batch = makeBatch(dataset, spec, generation, step);
      steps?.(step, 'forward');
      const { logits } = await session.run(PREDICT, { images: batch.images });
      return {
        position: { ...attempt, step },
        batchDigest: batch.digest,
        logits: { rows: spec.batchSize, cols: dataset.classes, data: logits! },
      };
    },
    evaluate: (split) => evaluate({ session, spec, dataset }, dataset[split]),
    close: () => session.close(),
  };
}
