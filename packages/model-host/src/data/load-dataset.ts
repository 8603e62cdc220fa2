import { inSlices } from '@trikd/core/async/slices';
import { bytesInMemory } from '@trikd/core/data/image-source';
import { type Dataset, splitting } from '@trikd/core/data/split';
import { assertAdmitted } from '@trikd/core/spec/admission';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { taskOf } from '@trikd/core/tasks/task-of';
import { processPauses } from '@trikd/process/process-pauses';
import { loadNetworks } from '../modules/load-networks.js';
import { rememberLast } from '../remember-last.js';
import { type DataSource, loadSource, ownData } from './load-source.js';

export { ownData } from './load-source.js';

/** `loadDataset` for a service, which trains many runs on the same data: the latest dataset is kept. */
export function datasetLoader(source: DataSource): (spec: RunSpec) => Promise<Dataset> {
  const load = rememberLast((spec) => loadDataset(spec, source));
  return async (spec) => {
    assertAdmitted(spec, source.admission);
    // The dataset may have been read for a run of other models.
    await loadNetworks(spec, source.modules, source.admission);
    const dataset = await load(spec);
    // The data may have been read for a run of smaller models.
    const { train, validation, test } = dataset;
    const images = train.count + validation.count + test.count;
    const bytes = [train, validation, test].reduce((sum, split) => sum + bytesInMemory(split), 0);
    const size = { ...dataset, images, bytes, train: train.count };
    assertAdmitted(spec, source.admission, size);
    return dataset;
  };
}

/**
 * Reads or generates the images of a run and splits them, in slices that leave the process responsive. The modules of the run are loaded
 * before, so that its models can be built on the dataset.
 * @throws TrikdError as `loadSource`, and 'invalid' if the spec needs more images than there are, and if the metrics of its task cannot be
 * measured on them
 */
export async function loadDataset(spec: RunSpec, source = ownData()): Promise<Dataset> {
  assertAdmitted(spec, source.admission);
  await loadNetworks(spec, source.modules, source.admission);
  const images = await loadSource(spec, source);
  const dataset = await inSlices(splitting(images, spec.data, spec.seed), processPauses);
  const task = taskOf(spec);
  for (const split of [dataset.validation, dataset.test]) task.assertMeasurable(split);
  return dataset;
}
