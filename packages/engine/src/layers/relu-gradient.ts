import { activeGraph } from '../graph/active-graph.js';
import { tf } from '../tfjs-internals/tf.js';

/**
 * Gradient of ReLU from its output, as TensorFlow's `ReluGrad` computes it in one pass. tfjs's own gradient saves the
 * input and multiplies by a mask, which costs a tensor and two passes for each activation.
 */
tf.unregisterGradient('Relu');
tf.registerGradient({
  kernelName: 'Relu',
  outputsToSave: [true],
  gradFunc: (dy, saved) => {
    const [gradient, output] = [dy as import('@tensorflow/tfjs').Tensor, saved[0]!];
    return {
      x: () => {
        const graph = activeGraph();
        return graph ? graph.tensor('ReluGrad', [gradient, output]) : tf.mul(gradient, tf.step(output));
      },
    };
  },
});
