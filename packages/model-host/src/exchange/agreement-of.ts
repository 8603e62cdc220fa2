import type { Dataset } from '@trikd/core/data/split';
import type { Agreement } from '@trikd/core/exchange/frame';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';

/** What the producer and the consumer of a stream of logits compare before the first frame. */
export function agreementOf(spec: RunSpec, dataset: Dataset): Agreement {
  return {
    specDigest: specDigest(spec),
    datasetDigest: dataset.digest,
    classes: dataset.classes,
    batchSize: spec.batchSize,
    seed: spec.seed,
  };
}
