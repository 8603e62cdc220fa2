import { createRequire } from 'node:module';
import util from 'node:util';
import type { KernelBackend, Tensor } from '@tensorflow/tfjs';
import type { GraphBinding } from '../graph/graph-binding.js';

// tfjs-node's kernels still call two functions that Node 23 took away, and that warn of it before.
Object.assign(util, { isNullOrUndefined: (x: unknown) => x === null || x === undefined, isArray: Array.isArray });

const require = createRequire(import.meta.url);

/**
 * TensorFlow.js, the one instance that the kernels of tfjs-node register with. Models, losses and gradients
 * are written with it; it executes nothing but initial values.
 */
export const tf = require('@tensorflow/tfjs') as typeof import('@tensorflow/tfjs');

// Silences the advice to install tfjs-node, and checks of every value that would read symbolic tensors.
tf.enableProdMode();

require('@tensorflow/tfjs-node-gpu/dist/register_all_kernels');

/**
 * The backend class of tfjs-node: it turns each kernel into calls of a binding. Typed here with what we
 * use of it; two of its methods are private in its own declaration, and are the door between handles and tensors.
 */
interface GraphBackend extends KernelBackend {
  createOutputTensor(handle: { id: number; dtype: number; shape: number[] }): Tensor;
  getInputTensorIds(tensors: readonly Tensor[]): number[];
}

const { NodeJSKernelBackend } = require('@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend') as {
  NodeJSKernelBackend: new (binding: GraphBinding, packageName: string) => GraphBackend;
};

export type { GraphBackend };
export { NodeJSKernelBackend };

/** The name under which tfjs-node's helpers look their backend up. */
export const GRAPH_BACKEND = 'tensorflow';
