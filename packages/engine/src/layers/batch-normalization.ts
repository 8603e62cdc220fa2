import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { TF } from '../dtype.js';
import { EngineError } from '../errors.js';
import { type ActiveGraph, activeGraph } from '../graph/active-graph.js';
import type { Attribute, Output } from '../native.js';
import { addGradient, addMoments, addNormalisation, takesBatchNorm } from '../own-batch-norm.js';
import { tf } from '../tfjs-internals/tf.js';

type Weight = ReturnType<import('@tensorflow/tfjs').layers.Layer['addWeight']>;

interface Settings {
  readonly name: string;
  /** Added to the variance. */
  readonly epsilon?: number;
  /** Share of the old value that the moving statistics keep at each step. */
  readonly momentum?: number;
}

/**
 * Batch normalisation over the last axis of [N, H, W, C], by TensorFlow's fused ops: one op forward and one backward,
 * where tfjs-layers takes a dozen, or by those of the addon (Ioffe & Szegedy 2015). Training normalises with the biased variance of the batch
 * and moves the statistics with the unbiased one, as PyTorch does.
 */
class BatchNormalization extends tf.layers.Layer {
  private readonly epsilon: number;
  private readonly momentum: number;
  private gamma!: Weight;
  private beta!: Weight;
  private movingMean!: Weight;
  private movingVariance!: Weight;

  constructor(settings: Settings) {
    super({ name: settings.name });
    this.epsilon = settings.epsilon ?? 1e-5;
    this.momentum = settings.momentum ?? 0.9;
  }

  static get className(): string {
    return 'TrikdBatchNormalization';
  }

  override build(inputShape: number[]): void {
    const channels = [inputShape.at(-1)!];
    const [ones, zeros] = [tf.initializers.ones(), tf.initializers.zeros()];
    this.gamma = this.addWeight('gamma', channels, 'float32', ones);
    this.beta = this.addWeight('beta', channels, 'float32', zeros);
    this.movingMean = this.addWeight('moving_mean', channels, 'float32', zeros, undefined, false);
    this.movingVariance = this.addWeight('moving_variance', channels, 'float32', ones, undefined, false);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: number[]): number[] {
    return inputShape;
  }

  override call(inputs: Tensor | Tensor[], options: { training?: boolean }): Tensor {
    const input = Array.isArray(inputs) ? inputs[0]! : inputs;
    const graph = activeGraph();
    if (!graph) throw new EngineError('FAILED_PRECONDITION', 'batch normalisation exists in traced graphs only');
    return options.training === true ? this.train(graph, input) : this.infer(graph, input);
  }

  override getConfig(): ReturnType<InstanceType<typeof tf.layers.Layer>['getConfig']> {
    const { epsilon, momentum } = this;
    return { ...super.getConfig(), epsilon, momentum };
  }

  private infer(graph: ActiveGraph, input: Tensor): Tensor {
    const weights = [this.gamma, this.beta, this.movingMean, this.movingVariance].map((weight) => weight.read());
    return graph.tensors('FusedBatchNormV3', [input, ...weights], attributes(this.epsilon, false))[0]!;
  }

  private train(graph: ActiveGraph, input: Tensor): Tensor {
    const statistics: Tensor[] = [];
    const train = graph.binding.ownKernels && takesBatchNorm(input.shape) ? trainOwn : trainFused;
    const normalise = tf.customGrad((...parts) => {
      const [x, gamma, beta, save] = parts as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
      const { y, mean, variance, saved, gradFunc } = train(graph, [x, gamma, beta], this.epsilon);
      statistics.push(tf.keep(mean), tf.keep(variance));
      save([...saved]);
      return { value: y, gradFunc };
    });
    const output = normalise(input, this.gamma.read(), this.beta.read());
    const [mean, variance] = statistics as [Tensor1D, Tensor1D];
    this.move(this.movingMean, mean);
    this.move(this.movingVariance, variance);
    return output;
  }

  private move(weight: Weight, value: Tensor): void {
    weight.write(tf.add(tf.mul(weight.read(), this.momentum), tf.mul(value, 1 - this.momentum)));
  }
}
tf.serialization.registerClass(BatchNormalization);

/** A batch normalised by its own moments, and what its gradient takes. */
interface Trained {
  readonly y: Tensor;
  readonly mean: Tensor;
  /** Unbiased. */
  readonly variance: Tensor;
  readonly saved: readonly Tensor[];
  /** The gradients by x, gamma and beta. */
  readonly gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor[];
}

type Inputs = readonly [x: Tensor, gamma: Tensor, beta: Tensor];

/** By TensorFlow's fused ops. */
function trainFused(graph: ActiveGraph, [x, gamma, beta]: Inputs, epsilon: number): Trained {
  const none = tf.tensor1d([]);
  const outputs = graph.tensors('FusedBatchNormV3', [x, gamma, beta, none, none], attributes(epsilon, true));
  const [y, mean, variance, ...reserves] = outputs as [Tensor, Tensor, Tensor, ...Tensor[]];
  const gradFunc = (dy: Tensor, saved: Tensor[]) =>
    graph.tensors('FusedBatchNormGradV3', [dy, ...saved], attributes(epsilon, true)).slice(0, 3);
  return { y, mean, variance, saved: [x, gamma, ...reserves], gradFunc };
}

/** By the ops of the addon, which a ReLU behind it joins. */
function trainOwn(graph: ActiveGraph, inputs: Inputs, epsilon: number): Trained {
  const { binding } = graph;
  const [x, gamma, beta] = inputs.map((tensor) => graph.outputOf(tensor)) as [Output, Output, Output];
  const [images, ofChannels] = [inputs[0].shape, inputs[1].shape];
  const moments = addMoments(binding, x, epsilon);
  const channel = (output: Output) => graph.wrap(output, TF.FLOAT, ofChannels);
  const gradFunc = (dy: Tensor, saved: Tensor[]) => {
    const [own, scale, center, inverse] = saved.map((tensor) => graph.outputOf(tensor));
    const by = { mean: center!, inverse: inverse! };
    const [dx, dGamma, dBeta] = addGradient(binding, graph.outputOf(dy), own!, by, scale!);
    return [graph.wrap(dx, TF.FLOAT, images), channel(dGamma), channel(dBeta)];
  };
  const [mean, variance] = [channel(moments.mean), channel(moments.variance)];
  const saved = [inputs[0], inputs[1], mean, channel(moments.inverse)];
  return {
    y: graph.wrap(addNormalisation(binding, moments, gamma, beta), TF.FLOAT, images),
    mean,
    variance,
    saved,
    gradFunc,
  };
}

function attributes(epsilon: number, training: boolean): Attribute[] {
  return [
    { name: 'T', kind: 'type', value: TF.FLOAT },
    { name: 'U', kind: 'type', value: TF.FLOAT },
    { name: 'epsilon', kind: 'float', value: epsilon },
    { name: 'data_format', kind: 'string', value: 'NHWC' },
    { name: 'is_training', kind: 'bool', value: training },
  ];
}

/** A batch normalisation layer whose weights are `<name>/gamma`, `beta`, `moving_mean` and `moving_variance`. */
export function batchNormalization(settings: Settings): import('@tensorflow/tfjs').layers.Layer {
  return new BatchNormalization(settings);
}
