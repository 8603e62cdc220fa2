import { type ImageShape, imageBytes } from '../data/image-source.js';
import { TrikdError } from '../domain/errors.js';
import type { InferenceRequest, InputTensor, TensorFacts } from './inference.js';
import type { Pixels, ServedOutput } from './served-model.js';

/** Name of the only input. */
export const IMAGES = 'images';

/** Bytes of an element, by the types that images may have. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = { UINT8: 1, FP32: 4 };

/** The images of a request. */
export interface ReadImages {
  readonly rows: number;
  readonly pixels: Pixels;
}

/** What a model takes. */
export interface Takes {
  readonly shape: ImageShape;
  readonly output: Omit<ServedOutput, 'values'>;
  /** Rows of a request, at most. */
  readonly requestRows: number;
}

/** Describes the input of a model. It takes float32 too. */
export function inputFacts({ height, width, channels }: ImageShape): TensorFacts {
  return { name: IMAGES, datatype: 'UINT8', shape: [-1, height, width, channels] };
}

/**
 * The images of a request, in the memory of the request where that is possible. Sizes are compared with the content before anything is
 * allocated.
 * @throws TrikdError 'invalid' that says what the model takes
 */
export function readImages({ inputs, outputs }: InferenceRequest, takes: Takes): ReadImages {
  const { shape, output, requestRows } = takes;
  const [input, ...more] = inputs;
  const expected = `the model takes one input, ${IMAGES}, of UINT8 or FP32 [rows, ${shapeOf(shape).join(', ')}]`;
  if (!input || more.length > 0) throw invalid(`the request has ${inputs.length} inputs: ${expected}`);
  const element = Object.hasOwn(ELEMENT_BYTES, input.datatype) ? ELEMENT_BYTES[input.datatype] : undefined;
  if (input.name !== IMAGES || element === undefined) {
    throw invalid(`the request has ${input.name.slice(0, 64)} of ${input.datatype.slice(0, 64)}: ${expected}`);
  }
  const [rows = 0, ...rest] = input.shape;
  if (rest.join() !== shapeOf(shape).join() || !Number.isSafeInteger(rows) || rows < 1) {
    throw invalid(`the shape of ${IMAGES} is [${input.shape.slice(0, 8).join(', ')}]: ${expected}`);
  }
  if (rows > requestRows) {
    throw invalid(
      `serving.requestRows allows ${requestRows} rows in a request, and this one has ${rows}: send several`,
    );
  }
  for (const name of outputs) {
    if (name !== output.name) throw invalid(`the model has no output ${name.slice(0, 64)}, only ${output.name}`);
  }
  return { rows, pixels: pixelsOf(input, rows * imageBytes(shape), element) };
}

const shapeOf = ({ height, width, channels }: ImageShape) => [height, width, channels];

function pixelsOf(input: InputTensor, count: number, element: number): Pixels {
  const { content } = input;
  if ('bytes' in content) {
    const { bytes } = content;
    if (bytes.length !== count * element) {
      throw invalid(`${IMAGES} needs ${count * element} bytes for its shape, and has ${bytes.length}`);
    }
    return element === 1 ? bytes : inRange(floatsIn(bytes));
  }
  const { values } = content;
  if (values.length !== count)
    throw invalid(`${IMAGES} needs ${count} elements for its shape, and has ${values.length}`);
  return element === 1 ? wholeBytes(values) : inRange(Float32Array.from(values));
}

/** The content of a tensor as bytes, little-endian; none of a type that images do not have. @throws TrikdError 'invalid' */
export function packed({ content, datatype }: InputTensor): Uint8Array {
  if ('bytes' in content) return content.bytes;
  if (datatype === 'UINT8') return wholeBytes(content.values);
  return datatype === 'FP32' ? new Uint8Array(Float32Array.from(content.values).buffer) : new Uint8Array();
}

function wholeBytes(values: ArrayLike<number>): Uint8Array {
  const bytes = Uint8Array.from(values);
  const wrong = bytes.findIndex((byte, at) => byte !== values[at]);
  if (wrong === -1) return bytes;
  throw invalid(`${IMAGES} is ${String(values[wrong]).slice(0, 32)} at element ${wrong}, and UINT8 has 0 to 255`);
}

function floatsIn(bytes: Uint8Array): Float32Array {
  // Messages are not aligned.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, bytes.length / 4);
}

function inRange(values: Float32Array): Float32Array {
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    if (value >= 0 && value <= 255) continue;
    throw invalid(`${IMAGES} is ${value} at element ${at}: values are 0 to 255, and the model normalises them itself`);
  }
  return values;
}

function invalid(message: string): TrikdError {
  return new TrikdError('invalid', message);
}
