import type { ModelSpec } from '../spec/model-spec.js';
import type { OptimizerSpec } from '../spec/role-spec.js';
import type { ModelShape } from './model-shape.js';

/** How large a model is, computed from its spec: nothing is built. */
export interface ModelCost {
  /** Convolutions and dense layers. */
  readonly layers: number;
  /** Channels or units of the widest layer before the classifier. */
  readonly widest: number;
  /** Numbers in all params, those of batch norm included. */
  readonly params: number;
  /** The params that gradients train; the statistics of batch norm are not. */
  readonly trained: number;
  /** Numbers that the layers put out for one image. */
  readonly activations: number;
}

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

/** The model that `buildModel` builds. An image that is pooled away counts as one pixel. */
export function modelCost(spec: ModelSpec, shape: ModelShape): ModelCost {
  return spec.kind === 'resnet' ? resnetCost(spec, shape) : plainCnnCost(spec, shape);
}

function plainCnnCost(spec: ModelSpec & { kind: 'plain-cnn' }, shape: ModelShape): ModelCost {
  const sum = createSum();
  let { height, width, channels } = shape;
  for (const [index, filters] of spec.channels.entries()) {
    sum.convolution(channels, filters, height * width);
    channels = filters;
    if (index % 2 === 0) continue;
    [height, width] = [Math.max(1, Math.floor(height / 2)), Math.max(1, Math.floor(width / 2))];
    sum.output(channels * height * width);
  }
  let inputs = channels * height * width;
  for (const units of spec.hidden) {
    sum.dense(inputs, units);
    inputs = units;
  }
  sum.classifier(inputs, shape.classes);
  return sum.total;
}

function resnetCost(spec: ModelSpec & { kind: 'resnet' }, shape: ModelShape): ModelCost {
  const sum = createSum();
  const { width } = spec;
  const [stem, ...stages] = typeof width === 'number' ? [width, width, 2 * width, 4 * width] : width;
  const blocks = (spec.depth - 2) / 6;
  let { height, width: columns } = shape;
  sum.convolution(shape.channels, stem, height * columns);
  let channels = stem;
  for (const [stage, filters] of stages.entries()) {
    for (let block = 0; block < blocks; block++) {
      const halves = stage > 0 && block === 0;
      if (halves) [height, columns] = [Math.ceil(height / 2), Math.ceil(columns / 2)];
      sum.convolution(channels, filters, height * columns);
      sum.convolution(filters, filters, height * columns);
      if (halves || channels !== filters) sum.convolution(channels, filters, height * columns, 1);
      channels = filters;
    }
  }
  sum.classifier(channels, shape.classes);
  return sum.total;
}

/** Adds up layers. A convolution has no bias; batch norm has scale, shift and two statistics for each channel. */
function createSum() {
  const total = { layers: 0, widest: 0, params: 0, trained: 0, activations: 0 };
  const layer = (trained: number, statistics: number, outputs: number) => {
    total.layers++;
    total.trained += trained;
    total.params += trained + statistics;
    total.activations += outputs;
  };
  return {
    total: total as ModelCost,
    /** @param positions pixels of its output */
    convolution(inputs: number, filters: number, positions: number, size = 3): void {
      // The outputs are those of the convolution, of batch norm and of ReLU.
      layer(size * size * inputs * filters + 2 * filters, 2 * filters, 3 * filters * positions);
      total.widest = Math.max(total.widest, filters);
    },
    dense(inputs: number, units: number): void {
      layer(inputs * units + units, 0, 2 * units);
      total.widest = Math.max(total.widest, units);
    },
    classifier(inputs: number, classes: number): void {
      layer(inputs * classes + classes, 0, classes);
    },
    output(values: number): void {
      total.activations += values;
    },
  };
}
