import type { Pauses } from '../async/slices.js';
import { imageBytes, type LabelledImages } from '../data/image-source.js';
import type { Dataset } from '../data/split.js';
import type { Score } from '../domain/role-checkpoint.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { Outputs } from '../tasks/task.js';
import { taskOf } from '../tasks/task-of.js';
import type { ModelSession } from './role-program.js';
import { PREDICT } from './role-program.js';

/** A model, and what it was trained for. */
export interface Evaluated {
  readonly session: Pick<ModelSession, 'run'>;
  readonly spec: RunSpec;
  readonly dataset: Dataset;
}

export interface EvaluationOptions {
  /** Receives the number of examples scored so far. */
  readonly scored?: ((examples: number) => void) | undefined;
  /** Receives what the model says of each batch, in the order of the split. Rows of padding have no label. */
  readonly heard?: ((outputs: Outputs, labels: LabelledImages['labels']) => void) | undefined;
  /** Of a process that has other work meanwhile. */
  readonly pauses?: Pauses | undefined;
}

/**
 * Scores a model on one split. The graph has a fixed batch size: the last batch is padded, and padding is not counted.
 */
export async function evaluate(
  { session, spec, dataset }: Evaluated,
  split: LabelledImages,
  { scored, heard, pauses }: EvaluationOptions = {},
): Promise<Score> {
  const { batchSize } = spec;
  const size = imageBytes(dataset);
  const meter = taskOf(spec).meter(dataset, split);
  for (let first = 0; first < split.count; first += batchSize) {
    const rows = Math.min(batchSize, split.count - first);
    split.images.readAhead?.(rowsFrom(first + rows, Math.min(split.count, first + rows + batchSize)));
    const images = new Uint8Array(batchSize * size);
    images.set(split.images.subarray(first * size, (first + rows) * size));
    const outputs: Outputs = await session.run(PREDICT, { images });
    const labels = split.labels.subarray(first, first + rows);
    meter.add(outputs, labels);
    heard?.(outputs, labels);
    scored?.(first + rows);
  }
  return meter.score(pauses);
}

function* rowsFrom(first: number, end: number): Iterable<number> {
  for (let row = first; row < end; row++) yield row;
}
