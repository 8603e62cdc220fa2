import type { ImageShape } from '../data/image-source.js';
import type { ModelSpec } from '../spec/model-spec.js';
import type { OptimizerSpec } from '../spec/role-spec.js';
import type { HeadLayer } from '../tasks/head.js';

/** How large a model is, computed from its spec: nothing is built. */
export interface ModelCost {
  /** Convolutions and dense layers. */
  readonly layers: number;
  /** Channels or units of the widest layer before the one with the logits. */
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
export function modelCost(spec: ModelSpec, shape: ImageShape, head: readonly HeadLayer[]): ModelCost {
  const sum = createSum();
  let inputs = spec.kind === 'resnet' ? resnetCost(sum, spec, shape) : plainCnnCost(sum, spec, shape);
  for (const { kind, units } of head) {
    sum[kind](inputs, units);
    inputs = units;
  }
  return sum.total;
}

/** Numbers that a network puts out for one image. */
type Features = number;

function plainCnnCost(sum: Sum, spec: ModelSpec & { kind: 'plain-cnn' }, shape: ImageShape): Features {
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
    sum.hidden(inputs, units);
    inputs = units;
  }
  return inputs;
}

function resnetCost(sum: Sum, spec: ModelSpec & { kind: 'resnet' }, shape: ImageShape): Features {
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
  return channels;
}

type Sum = ReturnType<typeof createSum>;

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
    hidden(inputs: number, units: number): void {
      layer(inputs * units + units, 0, 2 * units);
      total.widest = Math.max(total.widest, units);
    },
    dense(inputs: number, units: number): void {
      layer(inputs * units + units, 0, units);
    },
    embedding(inputs: number, units: number): void {
      layer(inputs * units + 2 * units, 2 * units, 2 * units);
      total.widest = Math.max(total.widest, units);
    },
    cosine(inputs: number, units: number): void {
      // The inputs are brought to length 1 first.
      layer(inputs * units, 0, inputs + units);
    },
    output(values: number): void {
      total.activations += values;
    },
  };
}
