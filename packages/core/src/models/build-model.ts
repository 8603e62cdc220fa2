import { createHash } from 'node:crypto';
import type { LayersModel } from '@trikd/engine';
import type { ImageShape } from '../data/image-source.js';
import { TrikdError } from '../domain/errors.js';
import type { ModelSpec } from '../spec/model-spec.js';
import type { HeadLayer } from '../tasks/head.js';
import { headOutputs } from './head.js';
import { LayerFactory } from './layers.js';
import { plainCnn } from './plain-cnn.js';
import { resnet } from './resnet.js';

/**
 * Builds a model with fresh params that are determined by the seed. Call it only while tracing (see `trace` of the
 * engine).
 * @param head the layers of the task, after those of the spec
 */
export function buildModel(spec: ModelSpec, shape: ImageShape, head: readonly HeadLayer[], seed: number): LayersModel {
  assertFits(spec, shape);
  const layers = new LayerFactory(seed);
  const input = layers.input(shape.height, shape.width, shape.channels);
  const features = spec.kind === 'resnet' ? resnet(layers, input, spec) : plainCnn(layers, input, spec);
  const outputs = headOutputs(layers, features, head);
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

/** Each pooling halves the image. Rejects a network that would pool it away. */
function assertFits(spec: ModelSpec, { height, width }: ImageShape): void {
  if (spec.kind === 'resnet') return;
  const poolings = Math.floor(spec.channels.length / 2);
  if (Math.min(height, width) >> poolings >= 1) return;
  const net = `a plain-cnn of ${spec.channels.length} convolutions`;
  throw new TrikdError('invalid', `${net} pools ${poolings} times, too often for images of ${height}x${width}`);
}
