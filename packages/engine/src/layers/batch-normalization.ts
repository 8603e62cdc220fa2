import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { type ActiveGraph, activeGraph } from '../active-graph.js';
import { TF } from '../dtype.js';
import { EngineError } from '../errors.js';
import type { Attribute } from '../native.js';
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
 * where tfjs-layers takes a dozen (Ioffe & Szegedy 2015). Training normalises with the biased variance of the batch
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
    const normalise = tf.customGrad((...parts) => {
      const [x, gamma, beta, save] = parts as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
      const none = tf.tensor1d([]);
      const outputs = graph.tensors('FusedBatchNormV3', [x, gamma, beta, none, none], attributes(this.epsilon, true));
      const [y, mean, variance, ...reserves] = outputs;
      statistics.push(tf.keep(mean!), tf.keep(variance!));
      save([x, gamma, ...reserves]);
      const gradFunc = (dy: Tensor, saved: Tensor[]) =>
        graph.tensors('FusedBatchNormGradV3', [dy, ...saved], attributes(this.epsilon, true)).slice(0, 3);
      return { value: y!, gradFunc };
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
