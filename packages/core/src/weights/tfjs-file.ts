import { z } from 'zod';
import { decodeStrictJson } from '../checkpoint/json.js';
import { elementCount } from '../checkpoint/tensor-types.js';
import { messageOf, TrikdError } from '../domain/errors.js';
import { fromFloat16 } from '../domain/float16.js';
import { type FileTensor, finite, type WeightsFile } from './file-tensor.js';

/** Tensors and files of one LayersModel, at most. */
const MOST_TENSORS = 4096;
const MOST_SHARDS = 1024;

/** A file beside `model.json`, never elsewhere. */
const ShardName = z
  .string()
  .max(255)
  .regex(/^[^/\\\p{Cc}]+$/u, 'the name of a file beside model.json')
  .refine((name) => name !== '.' && name !== '..', 'the name of a file beside model.json');

const Dtype = z.enum(['float32', 'int32', 'bool', 'uint8']);
const Quantization = z.union([
  z.object({ dtype: z.literal('float16') }),
  z.object({ dtype: z.enum(['uint8', 'uint16']), scale: z.number(), min: z.number() }),
]);

const Entry = z.object({
  name: z.string().min(1).max(1024),
  shape: z.array(z.int().min(0).max(0xffffffff)).max(16).readonly(),
  dtype: Dtype,
  quantization: Quantization.optional(),
});
type Entry = z.infer<typeof Entry>;

const Group = z.object({ paths: z.array(ShardName).max(MOST_SHARDS), weights: z.array(Entry).max(MOST_TENSORS) });

/** `model.json`, as far as params are concerned. The layers are those of the run: no code or layer is taken from the file. */
const Topology = z.object({
  format: z.literal('layers-model').optional(),
  weightsManifest: z.array(Group).max(MOST_SHARDS),
});
export type LayersManifest = z.infer<typeof Topology>;

const BYTES = { float32: 4, int32: 4, bool: 1, uint8: 1, float16: 2, uint16: 2 } as const;

/** Reads `model.json` of TensorFlow.js. @throws TrikdError 'corrupt' */
export function layersManifest(json: Uint8Array): LayersManifest {
  let value: unknown;
  try {
    value = decodeStrictJson(json);
  } catch (cause) {
    throw corrupt(`it is not JSON: ${messageOf(cause)}`, { cause });
  }
  const parsed = Topology.safeParse(value);
  if (!parsed.success) throw corrupt(z.prettifyError(parsed.error).replaceAll(/\s+/g, ' ').slice(0, 500));
  const { weightsManifest } = parsed.data;
  const shards = shardsOf(parsed.data);
  if (shards.length > MOST_SHARDS) throw corrupt(`${shards.length} files, at most ${MOST_SHARDS} are allowed`);
  if (new Set(shards).size < shards.length) throw corrupt('it names a file twice');
  const names = weightsManifest.flatMap(({ weights }) => weights.map(({ name }) => name));
  if (names.length > MOST_TENSORS) throw corrupt(`${names.length} tensors, at most ${MOST_TENSORS} are allowed`);
  if (new Set(names).size < names.length) throw corrupt('it names a tensor twice');
  return parsed.data;
}

/** The files with the numbers, beside `model.json`, in order. */
export function shardsOf({ weightsManifest }: LayersManifest): readonly string[] {
  return weightsManifest.flatMap(({ paths }) => paths);
}

/**
 * The tensors of a LayersModel.
 * @param shards content by file name
 * @throws TrikdError 'corrupt' unless the files have exactly the bytes of the tensors
 */
export function tfjsFile({ weightsManifest }: LayersManifest, shards: ReadonlyMap<string, Uint8Array>): WeightsFile {
  const tensors = weightsManifest.flatMap(({ paths, weights }) => {
    const bytes = Buffer.concat(paths.map((path) => shards.get(path) ?? missing(path)));
    let end = 0;
    const found = weights.map((entry): FileTensor => {
      const begin = end;
      end += elementCount(entry.shape) * BYTES[entry.quantization?.dtype ?? entry.dtype];
      const own = bytes.subarray(begin, end);
      const { name, shape, dtype, quantization } = entry;
      return { name, shape, dtype: quantization?.dtype ?? dtype, read: () => finite(name, numbersIn(entry, own)) };
    });
    if (end === bytes.length) return found;
    throw corrupt(`the tensors take ${end} bytes, ${paths.join(', ') || 'no file'} has ${bytes.length}`);
  });
  return { format: 'tfjs', tensors, metadata: {} };
}

function numbersIn({ name, dtype, quantization }: Entry, bytes: Uint8Array): Float32Array {
  const { buffer } = new Uint8Array(bytes);
  if (quantization?.dtype === 'float16') return fromFloat16(new Uint16Array(buffer));
  if (quantization) {
    const steps = quantization.dtype === 'uint8' ? new Uint8Array(buffer) : new Uint16Array(buffer);
    return Float32Array.from(steps, (step) => step * quantization.scale + quantization.min);
  }
  if (dtype === 'float32') return new Float32Array(buffer);
  throw new TrikdError('invalid', `tensor ${name} has the type ${dtype}, which is none of params`);
}

function missing(path: string): never {
  throw corrupt(`${path} is not there`);
}

function corrupt(problem: string, options?: ErrorOptions): TrikdError {
  return new TrikdError('corrupt', `model.json of TensorFlow.js: ${problem}`, {}, options);
}
