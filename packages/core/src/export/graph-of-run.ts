import type { LayersModel } from '@trikd/engine';
import { tf } from '@trikd/engine';
import type { Dataset } from '../data/split.js';
import { buildModel } from '../models/build-model.js';
import type { Params } from '../models/params.js';
import type { ModelSpec } from '../models/registry.js';
import type { RunSpec } from '../spec/run-spec.js';
import { taskOf } from '../tasks/task-of.js';
import type { ModelGraph } from './model-graph.js';
import { readLayers } from './read-layers.js';

/**
 * The graph of a trained model.
 * @param params those of a checkpoint; optimizer slots among them are ignored
 * @throws TrikdError 'invalid' that names a layer which cannot be exported, or a param that is absent
 */
export async function graphOfRun(
  spec: RunSpec,
  dataset: Dataset,
  model: ModelSpec,
  params: Params,
): Promise<ModelGraph> {
  await tf.setBackend('cpu');
  const layers: LayersModel = buildModel(model, dataset, taskOf(spec).head(dataset), 0);
  try {
    return readLayers(layers, params, dataset);
  } finally {
    layers.dispose();
  }
}
