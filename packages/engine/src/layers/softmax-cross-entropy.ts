import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { activeGraph } from '../graph/active-graph.js';
import { tf } from '../tfjs-internals/tf.js';

/**
 * Cross-entropy of each row, -sum_c targets[c] · ln softmax(logits)[c], in nats.
 * Targets are constants: no gradient flows into them. In a graph it is TensorFlow's fused op, which computes the
 * loss and its gradient together and subtracts the row's maximum first.
 * @param targets [rows, classes], each row a distribution
 * @param logits [rows, classes]
 * @returns [rows]
 */
export function softmaxCrossEntropy(targets: Tensor2D, logits: Tensor2D): Tensor1D {
  const graph = activeGraph();
  if (!graph) return plainSoftmaxCrossEntropy(targets, logits);
  const fused = tf.customGrad((...parts) => {
    const [features, save] = parts as [Tensor, (tensors: Tensor[]) => void];
    const [loss, gradient] = graph.tensors('SoftmaxCrossEntropyWithLogits', [features, targets]);
    save([gradient!]);
    return { value: loss!, gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(saved[0]!, tf.expandDims(dy, 1)) };
  });
  return fused(logits) as Tensor1D;
}

/** The same of plain ops, more of them. Here a gradient flows into the targets too, for what they depend on. */
export function plainSoftmaxCrossEntropy(targets: Tensor2D, logits: Tensor2D): Tensor1D {
  return tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1)) as Tensor1D;
}
