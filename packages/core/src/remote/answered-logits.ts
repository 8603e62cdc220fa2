import { TrikdError } from '../domain/errors.js';
import { fromFloat16 } from '../domain/float16.js';

/** A tensor of an answer. */
export interface AnsweredTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** Little-endian; absent where the server has not sent the bytes apart. */
  readonly raw: Uint8Array | undefined;
}

export interface ExpectedLogits {
  /** Name of the tensor. */
  readonly output: string;
  readonly rows: number;
  readonly classes: number;
}

const BYTES = { FP32: 4, FP16: 2 } as const;

/**
 * The logits of an answer, as float32.
 * @returns rows x classes, row-major
 * @throws TrikdError 'wrong-state' for anything else than finite logits of this shape; probabilities among it
 */
export function answeredLogits(tensors: readonly AnsweredTensor[], expected: ExpectedLogits): Float32Array {
  const { output, rows, classes } = expected;
  const fail = (problem: string): never => {
    throw new TrikdError('wrong-state', `the answer ${problem}`);
  };
  const found = tensors.find(({ name }) => name === output);
  if (!found) return fail(`has no tensor ${output}`);
  const { datatype, shape, raw } = found;
  if (datatype !== 'FP32' && datatype !== 'FP16') return fail(`is ${datatype}: logits are FP32 or FP16`);
  if (shape.length !== 2 || shape[0] !== rows || shape[1] !== classes) {
    return fail(`has the shape [${shape.slice(0, 8).join(', ')}], expected [${rows}, ${classes}]`);
  }
  if (!raw) return fail('has no raw_output_contents: the server must send tensors as bytes');
  if (raw.length !== rows * classes * BYTES[datatype]) {
    return fail(`has ${raw.length} bytes, expected ${rows * classes * BYTES[datatype]}`);
  }
  const logits = datatype === 'FP32' ? floats(raw) : halves(raw);
  const odd = logits.findIndex((value) => !Number.isFinite(value));
  if (odd !== -1) fail(`is not finite in row ${Math.floor(odd / classes)}`);
  if (areProbabilities(logits, classes)) {
    fail('has probabilities, which sum to 1: logits are needed, the layer before the softmax');
  }
  return logits;
}

/** A copy: the bytes are part of a message, and may start anywhere. */
function floats(raw: Uint8Array): Float32Array {
  return new Float32Array(new Uint8Array(raw).buffer);
}

function halves(raw: Uint8Array): Float32Array {
  return fromFloat16(new Uint16Array(new Uint8Array(raw).buffer));
}

/** How far the sum of a row of probabilities may be from 1: that of 1,000 numbers of float16. */
const SLACK = 0.01;

function areProbabilities(logits: Float32Array, classes: number): boolean {
  for (let first = 0; first < logits.length; first += classes) {
    const row = logits.subarray(first, first + classes);
    if (row.some((value) => value < 0 || value > 1)) return false;
    if (Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) > SLACK) return false;
  }
  return true;
}
