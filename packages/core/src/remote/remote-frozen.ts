import type { Dataset } from '../data/split.js';
import type { GenerationAttempt } from '../domain/position.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { AnsweringModel } from '../training/frozen.js';
import type { Answers } from './kept-answers.js';

/** A frozen model whose logits are the answers of a server, as they were kept. It is not scored. */
export function remoteFrozen(
  { batchSize }: RunSpec,
  { classes }: Dataset,
  attempt: GenerationAttempt,
  answers: Answers,
  close: () => void,
): AnsweringModel {
  return {
    async logits(step, steps) {
      steps?.(step, 'data');
      steps?.(step, 'forward');
      const { batchDigest, logits } = await answers.answer(step);
      return { position: { ...attempt, step }, batchDigest, logits: { rows: batchSize, cols: classes, data: logits } };
    },
    async close() {
      await answers.idle();
      close();
    },
  };
}
