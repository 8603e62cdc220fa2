import { type LayersModel, tf } from '@trikd/engine';
import type { ImageShape } from '../data/image-source.js';
import { TrikdError } from '../domain/errors.js';
import type { ModelGraph } from '../export/model-graph.js';
import { readLayers } from '../export/read-layers.js';
import { buildModel } from '../models/build-model.js';
import type { ModelSpec } from '../models/registry.js';
import type { HeadLayer } from '../tasks/head.js';

/** A model whose params are to be read from a file. */
export interface ExpectedModel {
  readonly spec: ModelSpec;
  /** Shape of each param, by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Names of the layers of its head. */
  readonly head: readonly string[];
  /** Its layers, all params 0; absent where other programs have no names for them. */
  readonly graph?: ModelGraph;
}

/**
 * What a file must contain for a model.
 * @throws TrikdError 'invalid' when the network does not take images of this size
 */
export function expectedModel(spec: ModelSpec, image: ImageShape, head: readonly HeadLayer[]): ExpectedModel {
  // Whatever was traced before: the next trace chooses its own backend.
  void tf.setBackend('cpu');
  const layers: LayersModel = buildModel(spec, image, head, 0);
  try {
    const shapes = new Map(layers.weights.map(({ originalName, shape }) => [originalName, shape as readonly number[]]));
    const graph = graphOf(layers, shapes, image);
    return { spec, shapes, head: head.map(({ name }) => name), ...(graph && { graph }) };
  } finally {
    layers.dispose();
  }
}

function graphOf(layers: LayersModel, shapes: ExpectedModel['shapes'], image: ImageShape): ModelGraph | undefined {
  const zeros = [...shapes].map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    return [name, { dtype: 'float32' as const, shape: [...shape], data }] as const;
  });
  const ones = Array.from({ length: image.channels }, () => 1);
  try {
    return readLayers(layers, new Map(zeros), { ...image, mean: ones, std: ones });
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'invalid') return undefined;
    throw error;
  }
}
