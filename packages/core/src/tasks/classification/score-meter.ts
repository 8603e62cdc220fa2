import type { LabelledImages } from '../../data/image-source.js';
import type { Score } from '../../domain/role-checkpoint.js';
import { answerOf } from './answer.js';
import { BINS, binOf } from './class-details.js';
import { ACCURACY, ECE, NLL, TOP5 } from './metrics.js';

/** Measures the logits of a classifier. */
export interface ClassificationMeter {
  /** @param logits rows of a batch, of which those that have a label count */
  add(logits: Float32Array, labels: LabelledImages['labels']): void;
  /** Of all rows so far. */
  score(): Score;
}

/** Measures a classifier. Sums are in double precision and in the order of the rows, so that they are the same everywhere. */
export function classificationMeter(classes: number): ClassificationMeter {
  let [examples, correct, amongFive, nll] = [0, 0, 0, 0];
  /** For each bin, correct answers less the sum of the confidences. */
  const gaps = new Float64Array(BINS);
  return {
    add(logits, labels) {
      for (const [row, label] of labels.entries()) {
        const answer = answerOf(logits.subarray(row * classes, (row + 1) * classes), label);
        const isCorrect = answer.rank === 0 ? 1 : 0;
        nll += answer.nll;
        correct += isCorrect;
        if (answer.rank < 5) amongFive++;
        gaps[binOf(answer.confidence)]! += isCorrect - answer.confidence;
      }
      examples += labels.length;
    },
    score() {
      const gap = gaps.reduce((sum, each) => sum + Math.abs(each), 0);
      return {
        metrics: {
          [ACCURACY.name]: correct / examples,
          [NLL.name]: nll / examples,
          [ECE.name]: gap / examples,
          ...(classes > 5 && { [TOP5.name]: amongFive / examples }),
        },
        examples,
      };
    },
  };
}
