import { imageBytes, type LabelledImages } from '../data/image-source.js';
import type { Dataset } from '../data/split.js';
import type { Score } from '../domain/score.js';
import { PREDICT } from './role-program.js';
import type { ModelSession } from './sessions.js';

/**
 * Scores a model on one split. The graph has a fixed batch size: the last batch is padded, and padding is not counted.
 * @param scored receives the number of examples scored so far
 */
export async function evaluate(
  session: Pick<ModelSession, 'run'>,
  dataset: Dataset,
  split: LabelledImages,
  batchSize: number,
  scored?: (examples: number) => void,
): Promise<Score> {
  const size = imageBytes(dataset);
  let correct = 0;
  let nll = 0;
  for (let first = 0; first < split.count; first += batchSize) {
    const rows = Math.min(batchSize, split.count - first);
    const images = new Uint8Array(batchSize * size);
    images.set(split.images.subarray(first * size, (first + rows) * size));
    const { logits } = await session.run(PREDICT, { images });
    for (let row = 0; row < rows; row++) {
      const own = logits!.subarray(row * dataset.classes, (row + 1) * dataset.classes);
      const label = split.labels[first + row]!;
      nll += negativeLogLikelihood(own, label);
      if (largest(own) === label) correct++;
    }
    scored?.(first + rows);
  }
  return { accuracy: correct / split.count, nll: nll / split.count, examples: split.count };
}

/** -ln softmax(logits)[label] in double precision. */
export function negativeLogLikelihood(logits: Float32Array, label: number): number {
  const max = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - max), 0);
  return max + Math.log(sum) - logits[label]!;
}

/** Index of the largest logit, the first of several. */
function largest(logits: Float32Array): number {
  let best = 0;
  for (let index = 1; index < logits.length; index++) if (logits[index]! > logits[best]!) best = index;
  return best;
}
