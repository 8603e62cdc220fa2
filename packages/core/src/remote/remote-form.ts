import type { ImageShape } from '../data/image-source.js';
import { TrikdError } from '../domain/errors.js';
import type { RemoteModel } from './remote-model.js';

/** A tensor that a model takes or gives, as its server describes it. */
export interface TensorMetadata {
  readonly name: string;
  /** Of the Open Inference Protocol: UINT8, FP32, ... */
  readonly datatype: string;
  /** -1: any size. */
  readonly shape: readonly number[];
}

/** A model, as its server describes it. */
export interface ModelMetadata {
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** The data that a run sends to a model, and what it needs back. */
export interface RemoteData extends ImageShape {
  readonly classes: number;
  readonly batchSize: number;
}

/** How images are sent to a model, and where its logits are in an answer. */
export interface RemoteForm {
  readonly input: string;
  readonly datatype: 'UINT8' | 'FP32';
  /** Channels after the pixels, or before them. */
  readonly layout: 'nhwc' | 'nchw';
  /** `raw`: from 0 to 255. */
  readonly pixels: 'normalised' | 'raw';
  /** Images of one request; the batch is a multiple of it. */
  readonly rows: number;
  readonly output: string;
}

/** Names of tensors in a message, at most. */
const MOST_NAMED = 8;

/**
 * How to ask a model, from its metadata and the settings of the spec.
 * @throws TrikdError 'invalid' that says what does not fit, and which setting helps
 */
export function remoteForm(metadata: ModelMetadata, model: RemoteModel, data: RemoteData): RemoteForm {
  const fail = (problem: string): never => {
    throw new TrikdError('invalid', `model ${model.model} at ${model.endpoint}: ${problem}`);
  };
  const input = chosen(metadata.inputs, model.input, 'input', fail);
  const output = chosen(metadata.outputs, model.output, 'output', fail);
  assertLogits(output, data, fail);
  const { datatype } = input;
  if (datatype !== 'UINT8' && datatype !== 'FP32') {
    return fail(`its input ${input.name} takes ${datatype}: images are sent as UINT8 or FP32`);
  }
  const pixels = model.pixels ?? (datatype === 'FP32' ? 'normalised' : 'raw');
  if (pixels === 'normalised' && datatype === 'UINT8') {
    fail(`its input ${input.name} takes UINT8, which cannot hold normalised pixels: set pixels: raw`);
  }
  return {
    input: input.name,
    datatype,
    layout: layoutOf(input, model, data, fail),
    pixels,
    rows: rowsOf(input, output, model, data, fail),
    output: output.name,
  };
}

type Fail = (problem: string) => never;

function chosen(
  tensors: readonly TensorMetadata[],
  wanted: string | undefined,
  kind: 'input' | 'output',
  fail: Fail,
): TensorMetadata {
  const names = tensors.map(({ name }) => name);
  const known = `${names.slice(0, MOST_NAMED).join(', ') || 'none'}${names.length > MOST_NAMED ? ', ...' : ''}`;
  if (kind === 'input' && tensors.length > 1) {
    return fail(`it has ${tensors.length} inputs (${known}): only models with one input can be asked`);
  }
  const found = wanted === undefined ? tensors : tensors.filter(({ name }) => name === wanted);
  if (wanted !== undefined && !found[0]) return fail(`it has no ${kind} ${wanted}; there is ${known}`);
  if (!found[0]) return fail(`it has no ${kind}`);
  if (found.length > 1) return fail(`it has ${found.length} ${kind}s (${known}): set ${kind}`);
  return found[0];
}

/** Logits are [rows, classes]. */
function assertLogits({ name, datatype, shape }: TensorMetadata, { classes }: RemoteData, fail: Fail): void {
  if (datatype !== 'FP32' && datatype !== 'FP16') fail(`its output ${name} is ${datatype}: logits are FP32 or FP16`);
  if (shape.length !== 2) fail(`its output ${name} has the shape ${textOf(shape)}: logits are [rows, classes]`);
  if (shape[1] !== classes && shape[1] !== ANY) {
    fail(`its output ${name} has ${shape[1]} classes, the data have ${classes}`);
  }
}

const ANY = -1;

function layoutOf(
  { name, shape }: TensorMetadata,
  { layout }: RemoteModel,
  { height, width, channels }: RemoteData,
  fail: Fail,
): RemoteForm['layout'] {
  if (shape.length !== 4) {
    return fail(`its input ${name} has the shape ${textOf(shape)}: images are [rows, height, width, channels]`);
  }
  const fits = (sizes: readonly number[]) =>
    sizes.every((size, axis) => shape[axis + 1] === ANY || shape[axis + 1] === size);
  const possible = [
    ...(fits([height, width, channels]) ? (['nhwc'] as const) : []),
    ...(fits([channels, height, width]) ? (['nchw'] as const) : []),
  ].filter((each) => layout === undefined || each === layout);
  if (possible.length === 1) return possible[0]!;
  if (possible.length > 1) {
    return fail(`its input ${name} has the shape ${textOf(shape)}, which does not say the layout: set layout`);
  }
  const images = `images of ${height} x ${width} pixels and ${channels} channels`;
  return fail(
    `its input ${name} has the shape ${textOf(shape)}, to which ${images}${layout ? ` as ${layout}` : ''} do not fit`,
  );
}

/** As many as the spec says, or the metadata fix; otherwise the whole batch. */
function rowsOf(
  input: TensorMetadata,
  output: TensorMetadata,
  { rows: wanted }: RemoteModel,
  { batchSize }: RemoteData,
  fail: Fail,
): number {
  const fixed = [input, output].map(({ shape }) => shape[0]!).find((size) => size !== ANY);
  if (fixed !== undefined && wanted !== undefined && fixed !== wanted) {
    fail(`it takes ${fixed} images at once, not ${wanted} as rows says`);
  }
  const rows = fixed ?? wanted ?? batchSize;
  if (rows < 1 || batchSize % rows !== 0) {
    fail(`it takes ${rows} images at once, and a batch of ${batchSize} is not a multiple of that`);
  }
  return rows;
}

function textOf(shape: readonly number[]): string {
  const more = shape.length > MOST_NAMED ? ', ...' : '';
  return `[${shape.slice(0, MOST_NAMED).join(', ')}${more}]`;
}
