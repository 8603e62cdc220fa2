import { imageBytes, type LabelledImages } from '../data/image-source.js';
import type { Dataset } from '../data/split.js';
import type { Score } from '../domain/score.js';
import type { RunSpec } from '../spec/run-spec.js';
import { taskOf } from '../tasks/task-of.js';
import { PREDICT } from './role-program.js';
import type { ModelSession } from './sessions.js';

/** A model, and what it was trained for. */
export interface Evaluated {
  readonly session: Pick<ModelSession, 'run'>;
  readonly spec: RunSpec;
  readonly dataset: Dataset;
}

/**
 * Scores a model on one split. The graph has a fixed batch size: the last batch is padded, and padding is not counted.
 * @param scored receives the number of examples scored so far
 */
export async function evaluate(
  { session, spec, dataset }: Evaluated,
  split: LabelledImages,
  scored?: (examples: number) => void,
): Promise<Score> {
  const { batchSize } = spec;
  const size = imageBytes(dataset);
  const meter = taskOf(spec).meter(dataset);
  for (let first = 0; first < split.count; first += batchSize) {
    const rows = Math.min(batchSize, split.count - first);
    const images = new Uint8Array(batchSize * size);
    images.set(split.images.subarray(first * size, (first + rows) * size));
    const { logits } = await session.run(PREDICT, { images });
    meter.add(logits!, split.labels.subarray(first, first + rows));
    scored?.(first + rows);
  }
  return meter.score();
}
