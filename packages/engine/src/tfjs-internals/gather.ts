import type { Tensor } from '@tensorflow/tfjs';
import { TF } from '../dtype.js';
import { EngineError } from '../errors.js';
import { activeGraph } from '../graph/active-graph.js';
import { GRAPH_BACKEND, tf } from './tf.js';

/**
 * Gathers rows without a look at the indices, which the kernel of tfjs-node reads to check their range. TensorFlow checks it at each run
 * and names the op. Embeddings are gathered.
 */
tf.unregisterKernel('GatherV2', GRAPH_BACKEND);
tf.registerKernel({
  kernelName: 'GatherV2',
  backendName: GRAPH_BACKEND,
  kernelFunc({ inputs, attrs }) {
    const graph = activeGraph();
    if (!graph) throw new EngineError('FAILED_PRECONDITION', 'gathering in a graph outside of a trace');
    const { x, indices } = inputs as { x: Tensor; indices: Tensor };
    const axis = tf.scalar(Number(attrs?.['axis'] ?? 0), 'int32');
    return graph.tensor(
      'GatherV2',
      [x, indices, axis],
      [
        { name: 'batch_dims', kind: 'int', value: Number(attrs?.['batchDims'] ?? 0) },
        { name: 'Taxis', kind: 'type', value: TF.INT32 },
      ],
    );
  },
});
