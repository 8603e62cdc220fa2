import { createHash } from 'node:crypto';
import type { LayersModel } from '@trikd/engine';
import { TrikdError } from '../domain/errors.js';
import type { TrainedRole } from '../domain/role.js';
import type { ModelSpec } from '../spec/model-spec.js';
import type { ModelShape } from './model-shape.js';
import { plainCnn } from './plain-cnn.js';
import { resnet } from './resnet.js';

/**
 * Builds a model with fresh params that are determined by the seed. Call it only while tracing (see `trace` of the
 * engine).
 */
export function buildModel(spec: ModelSpec, shape: ModelShape, seed: number): LayersModel {
  assertFits(spec, shape);
  return spec.kind === 'resnet' ? resnet(spec, shape, seed) : plainCnn(spec, shape, seed);
}

/** The seed of a model's initial params, different for each role and generation. */
export function modelSeed(runSeed: number, generation: number, role: TrainedRole): number {
  return createHash('sha256')
    .update(JSON.stringify([runSeed, generation, role]))
    .digest()
    .readUInt32LE();
}

/** Each pooling halves the image. Rejects a network that would pool it away. */
function assertFits(spec: ModelSpec, { height, width }: ModelShape): void {
  if (spec.kind === 'resnet') return;
  const poolings = Math.floor(spec.channels.length / 2);
  if (Math.min(height, width) >> poolings >= 1) return;
  const net = `a plain-cnn of ${spec.channels.length} convolutions`;
  throw new TrikdError('invalid', `${net} pools ${poolings} times, too often for images of ${height}x${width}`);
}
