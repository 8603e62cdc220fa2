import { TrikdError } from '../../domain/errors.js';
import { type Labels, makeLabels } from '../image-source.js';

/** What an array in the format of NumPy says of itself: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. */
export interface NpyHeader {
  /** The array, for messages. */
  readonly name: string;
  /** Such as `u1`: the kind of the elements, and the bytes of one. */
  readonly type: string;
  readonly bigEndian: boolean;
  readonly shape: readonly number[];
  /** Where the elements start, in bytes. */
  readonly start: number;
  /** Bytes of the elements. */
  readonly length: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Bytes of the longest header that is read. NumPy's own have 128. */
export const LONGEST_NPY_HEADER = 4096;

/** The largest class index. */
const LARGEST_LABEL = 0xffff;

/**
 * Reads the header of an array.
 * @param bytes the first LONGEST_NPY_HEADER bytes, or all of a shorter one
 * @throws TrikdError 'invalid' with the array, for Python objects too: they are pickled, and reading them would execute them
 */
export function readNpyHeader(name: string, bytes: Uint8Array): NpyHeader {
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) throw unusable(name, 'is no array of NumPy');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [begin, length] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (begin + length > bytes.length) throw unusable(name, `has a header of ${length} bytes`);
  const text = Buffer.from(bytes.subarray(begin, begin + length)).toString('latin1');
  const descr = /'descr': ?'([<>|=])([a-zA-Z])(\d{0,3})'/.exec(text);
  if (!descr) throw unusable(name, 'has elements that are not numbers');
  const [, order, kind, width] = descr;
  if (kind === 'O') throw unusable(name, 'has Python objects, which are pickled and not read');
  if (/'fortran_order': ?True/.test(text)) throw unusable(name, 'is stored column by column (fortran_order)');
  const listed = /'shape': ?\(((?:\d{1,15}(?:, ?)?)*)\)/.exec(text);
  if (!listed) throw unusable(name, 'has a header without a shape');
  const shape = (listed[1] ?? '').split(',').flatMap((size) => (size.trim() === '' ? [] : [Number(size)]));
  return {
    name,
    type: `${kind}${width}`,
    bigEndian: order === '>',
    shape,
    start: begin + length,
    length: shape.reduce((product, size) => product * size, Number(width)),
  };
}

/** The count, height, width and channels of an array of images. @throws TrikdError 'invalid' if it is none */
export function npyImages({ name, type, shape }: NpyHeader) {
  if (type !== 'u1') throw unusable(name, `has elements of type ${type}: images are uint8`);
  const [count = 0, height = 0, width = 0, channels = 1] = shape;
  if ((shape.length !== 3 && shape.length !== 4) || count * height * width * channels === 0) {
    throw unusable(name, `has shape ${shape.join('x')}: images are count x height x width, or with channels last`);
  }
  return { count, height, width, channels };
}

/** Number of labels in an array. @throws TrikdError 'invalid' if it is none of labels */
export function npyLabelCount({ name, type, shape }: NpyHeader): number {
  if (!/^[iu][1248]$/.test(type)) throw unusable(name, `has elements of type ${type}: labels are integers`);
  const [count = 0, each = 1] = shape;
  if (shape.length === 1 || (shape.length === 2 && each === 1)) return count;
  throw unusable(name, `has shape ${shape.join('x')}: labels are one for each image`);
}

/** The labels in the elements of an array. @throws TrikdError 'invalid' with the first that is not from 0 to 65,535 */
export function npyLabels({ name, type, bigEndian }: NpyHeader, content: Uint8Array): Labels {
  const width = Number(type[1]);
  const signed = type[0] === 'i';
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const labels = makeLabels(content.length / width, LARGEST_LABEL);
  for (let index = 0; index < labels.length; index++) {
    const label = elementOf(view, index * width, { width, signed, littleEndian: !bigEndian });
    if (label < 0 || label > LARGEST_LABEL) {
      throw unusable(name, `has label ${label} for image ${index}: labels are from 0 to ${LARGEST_LABEL}`);
    }
    labels[index] = label;
  }
  return labels;
}

function elementOf(
  view: DataView,
  at: number,
  { width, signed, littleEndian }: { readonly width: number; readonly signed: boolean; readonly littleEndian: boolean },
): number {
  if (width === 1) return signed ? view.getInt8(at) : view.getUint8(at);
  if (width === 2) return signed ? view.getInt16(at, littleEndian) : view.getUint16(at, littleEndian);
  if (width === 4) return signed ? view.getInt32(at, littleEndian) : view.getUint32(at, littleEndian);
  return Number(signed ? view.getBigInt64(at, littleEndian) : view.getBigUint64(at, littleEndian));
}

function unusable(name: string, problem: string): TrikdError {
  return new TrikdError('invalid', `${name} ${problem}`, { file: name });
}
