import type { ImageShape } from '../data/image-source.js';
import type { OptimizerSpec } from '../spec/role-spec.js';
import type { HeadLayer } from '../tasks/head.js';
import { headOutputs } from './head.js';
import { LayerCounter, type ModelCost } from './layer-counter.js';
import { isLoaded, loadedNetwork } from './module/module-spec.js';
import { features, type ModelSpec } from './registry.js';

/** Optimizer slots for each trained param. */
const SLOTS: Readonly<Record<OptimizerSpec['kind'], number>> = { sgd: 1, adamw: 2 };

const FLOAT_BYTES = 4;

/**
 * Bytes of the params of a model in training, with gradients and the optimizer's slots for each that is trained.
 * @param passes backward passes of a step: each has a gradient for each param
 */
export function trainingBytes({ params, trained }: ModelCost, optimizer: OptimizerSpec, passes = 1): number {
  return FLOAT_BYTES * (params + trained * (passes + SLOTS[optimizer.kind]));
}

/** Bytes of the outputs of all layers for one batch: the backward pass needs them all. An estimate: TensorFlow fuses some. */
export function activationBytes({ activations }: ModelCost, batchSize: number): number {
  return FLOAT_BYTES * activations * batchSize;
}

/** The model that `buildModel` builds. An image that is pooled away counts as one pixel. A module must be loaded. */
export function modelCost(spec: ModelSpec, shape: ImageShape, head: readonly HeadLayer[]): ModelCost {
  if (spec.kind === 'module') return loadedNetwork(spec).cost(spec, shape, head);
  const { height, width, channels } = shape;
  const counter = new LayerCounter();
  headOutputs(counter, features(counter, { height, width, channels }, spec), head);
  return counter.cost;
}

/** Whether the cost of a model is known: that of a module is when the module is loaded, for images of a known size. */
export function isMeasurable(spec: ModelSpec, isSizeKnown: boolean): boolean {
  return spec.kind !== 'module' || (isSizeKnown && isLoaded(spec));
}
