import type { Dataset } from '../data/split.js';
import type { StageAttempt } from '../domain/position.js';
import { formatOf } from '../exchange/frame.js';
import { toSent } from '../exchange/sent-logits.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { AnsweringModel } from '../training/frozen.js';
import type { Answers } from './kept-answers.js';

/** A frozen model whose logits are the answers of a server, as they were kept. It is not scored. */
export function remoteFrozen(
  spec: RunSpec,
  { classes }: Dataset,
  attempt: StageAttempt,
  answers: Answers,
  close: () => void,
): AnsweringModel {
  const format = formatOf(spec, classes);
  return {
    async logits(step, steps) {
      steps?.(step, 'data');
      steps?.(step, 'forward');
      const { batchDigest, logits } = await answers.answer(step);
      const answered = { rows: spec.batchSize, cols: classes, data: logits };
      const sent = toSent(answered, format, `step ${step} of a remote model`);
      return { position: { ...attempt, step }, batchDigest, logits: sent };
    },
    async close() {
      await answers.idle();
      close();
    },
  };
}

/** How many rows of logits have their largest value at the label. @param logits rows x classes, row-major */
export function rightRows(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  let right = 0;
  for (const [row, label] of labels.entries()) {
    const own = logits.subarray(row * classes, (row + 1) * classes);
    if (own.every((value) => value <= own[label]!)) right += 1;
  }
  return right;
}
