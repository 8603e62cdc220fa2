import { EngineError } from './errors.js';

/** How a session computes. All of it may change the bits of the result, so all of it belongs into a run's config. */
export interface EngineOptions {
  readonly device: 'cpu' | 'gpu';
  /** Threads that one operation may use. Part of the result: sums are split by it. */
  readonly threads: number;
  /** Just-in-time clusters. Pays on a GPU; slower on CPUs. */
  readonly xla: boolean;
  /** `bfloat16` lets TensorFlow compute convolutions and products in it, on CPUs; params and losses stay float32. */
  readonly precision: 'float32' | 'bfloat16';
  /**
   * What computes the convolutions that the addon has kernels for. `own` takes effect in float32 on a CPU with AVX2 or AVX-512, when a
   * graph is traced with it. Default: `tensorflow`.
   */
  readonly kernels?: 'own' | 'tensorflow' | undefined;
}

/** More threads than any machine has cores only cost; TensorFlow ends the process over a number far above. */
const MAX_THREADS = 1024;

const ON = 1;
const JIT_ON_2 = 2;
/** Fields of RewriterConfig: memory_optimization, and auto_mixed_precision_onednn_bfloat16. */
const [MEMORY_OPTIMIZATION, ONEDNN_BFLOAT16] = [4, 31];
const NO_MEM_OPT = 1;

/**
 * The bytes of TensorFlow's `ConfigProto` (tensorflow/core/protobuf/config.proto) for a session.
 * @throws EngineError INVALID_ARGUMENT for a number of threads that is not a whole one from 1 to 1024, and for bfloat16 on a GPU.
 */
export function configProto(options: EngineOptions): Uint8Array {
  const { threads } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new EngineError('INVALID_ARGUMENT', `expected 1 to ${MAX_THREADS} threads, got ${threads}`);
  }
  if (options.device === 'gpu' && options.precision === 'bfloat16') {
    // TensorFlow's rewriter for GPUs knows float16 alone, which would need the loss to be scaled.
    throw new EngineError('INVALID_ARGUMENT', 'bfloat16 is for CPUs: take float32 on a GPU');
  }
  const rewriting = [
    // Where TensorFlow expects a graph to take much memory, it would add the inputs of an AddN, such as those of the norm of all gradients, in
    // the order in which they are computed: another one in each run.
    ...varint(MEMORY_OPTIMIZATION, NO_MEM_OPT),
    ...(options.precision === 'bfloat16' ? varint(ONEDNN_BFLOAT16, ON) : []),
  ];
  return Uint8Array.from([
    ...(options.device === 'cpu' ? message(1, [...text(1, 'GPU'), ...varint(2, 0)]) : []),
    ...varint(2, threads),
    // Small ops of several branches may run side by side; this number does not change results.
    ...varint(5, threads + 2),
    // A GPU is shared by the trio: take memory as it is needed.
    ...message(6, varint(4, 1)),
    ...varint(7, 1),
    // use_per_session_threads: the kernels of oneDNN keep what they made for one number of threads on the thread that made it.
    ...varint(9, 1),
    ...message(10, [...(options.xla ? message(3, varint(5, JIT_ON_2)) : []), ...message(10, rewriting)]),
  ]);
}

function varint(field: number, value: number): number[] {
  return [...base128(field << 3), ...base128(value)];
}

function message(field: number, content: readonly number[]): number[] {
  return [...base128((field << 3) | 2), ...base128(content.length), ...content];
}

const text = (field: number, value: string) => message(field, [...Buffer.from(value)]);

function base128(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...base128(value >>> 7)];
}
