import { createHash } from 'node:crypto';
import type { LayersModel } from '@trikd/engine';
import type { ImageShape } from '../data/image-source.js';
import type { HeadLayer } from '../tasks/head.js';
import { headOutputs } from './head.js';
import { LayerFactory } from './layers.js';
import { loadedNetwork } from './module/module-spec.js';
import { assertFits, features, type ModelSpec } from './registry.js';

/**
 * Builds a model with fresh params that are determined by the seed. Call it only while tracing (see `trace` of the
 * engine).
 * @param head the layers of the task, after those of the spec
 * @throws TrikdError 'invalid' when the network does not take images of this size; of a module 'wrong-state' when it is not loaded
 */
export function buildModel(spec: ModelSpec, shape: ImageShape, head: readonly HeadLayer[], seed: number): LayersModel {
  if (spec.kind === 'module') return loadedNetwork(spec).build(spec, shape, head, seed);
  assertFits(spec, shape);
  const layers = new LayerFactory(seed);
  const input = layers.input(shape.height, shape.width, shape.channels);
  const outputs = headOutputs(layers, features(layers, input, spec), head);
  return layers.model(input, outputs.length === 1 ? outputs[0]! : outputs);
}

/**
 * The seed of a model's initial params, different for each learner and stage.
 * @param stage index of the stage
 * @param learner its name
 */
export function modelSeed(runSeed: number, stage: number, learner: string): number {
  return createHash('sha256')
    .update(JSON.stringify([runSeed, stage, learner]))
    .digest()
    .readUInt32LE();
}
