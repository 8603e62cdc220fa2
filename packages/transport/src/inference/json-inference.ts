import { TrikdError } from '@trikd/core/domain/errors';
import type { InferenceAnswer, InferenceRequest, InputTensor } from '@trikd/core/serving/inference';
import { z } from 'zod';

// The JSON form of the Open Inference Protocol, with its extension for tensors as bytes after the JSON.

/** The longest JSON of a request: parsing keeps the process from everything else. Images in bytes can be larger. */
export const LONGEST_JSON = 4 * 1024 * 1024;
/** Dimensions of images: lists in lists of a tensor cannot be deeper. */
const DEEPEST = 4;

const Parameters = z.looseObject({
  binary_data_size: z.int().nonnegative().optional(),
  binary_data: z.boolean().optional(),
  binary_data_output: z.boolean().optional(),
});
const Tensor = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.int()).max(16),
  parameters: Parameters.optional(),
  data: z.array(z.unknown()).optional(),
});
const Body = z.object({
  id: z.string().optional(),
  parameters: Parameters.optional(),
  inputs: z.array(Tensor),
  outputs: z.array(z.object({ name: z.string(), parameters: Parameters.optional() })).optional(),
});

/** A request in JSON. */
export interface JsonRequest {
  readonly id: string | undefined;
  readonly request: InferenceRequest;
  /** Whether the outputs are wanted as bytes after the JSON. */
  readonly binary: boolean;
}

/**
 * Reads the body of a request.
 * @param headerLength of the JSON at its start; undefined: all of it is JSON
 * @throws TrikdError 'invalid' for what is no request
 */
export function readJsonRequest(
  body: Buffer,
  headerLength: number | undefined,
  model: Pick<InferenceRequest, 'model' | 'version'>,
): JsonRequest {
  const length = headerLength ?? body.length;
  if (!Number.isSafeInteger(length) || length < 0 || length > body.length) {
    throw invalid(`Inference-Header-Content-Length is ${headerLength}, and the body has ${body.length} bytes`);
  }
  if (length > LONGEST_JSON) {
    throw invalid(`the JSON has ${length} bytes, at most ${LONGEST_JSON} are read: send the tensors as binary data`);
  }
  const parsed = Body.safeParse(jsonIn(body.subarray(0, length)));
  if (!parsed.success) throw invalid(`the request is invalid: ${z.prettifyError(parsed.error).slice(0, 500)}`);
  const { id, inputs, outputs = [], parameters } = parsed.data;
  let at = length;
  const tensors = inputs.map(({ parameters: own, data, ...rest }): InputTensor => {
    const size = own?.binary_data_size;
    if (size === undefined) return { ...rest, content: { values: flat(data ?? []) } };
    if (size > body.length - at) {
      throw invalid(`binary_data_size of ${rest.name.slice(0, 64)} is ${size}, and ${body.length - at} bytes are left`);
    }
    const bytes = body.subarray(at, at + size);
    at += size;
    return { ...rest, content: { bytes } };
  });
  if (at !== body.length) throw invalid(`${body.length - at} bytes after the JSON belong to no input`);
  const binary = outputs[0]?.parameters?.binary_data ?? parameters?.binary_data_output ?? false;
  return { id, request: { ...model, inputs: tensors, outputs: outputs.map(({ name }) => name) }, binary };
}

/** The answer to a request: JSON, and bytes after it. */
export interface JsonAnswer {
  readonly json: string;
  readonly bytes?: Uint8Array;
}

export function jsonAnswer({ model, version, rows, output }: InferenceAnswer, { id, binary }: JsonRequest): JsonAnswer {
  const { name, columns, values } = output;
  const bytes = binary ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength) : undefined;
  const tensor = {
    ...{ name, datatype: 'FP32', shape: [rows, columns] },
    ...(bytes ? { parameters: { binary_data_size: bytes.length } } : { data: Array.from(values) }),
  };
  const json = JSON.stringify({
    ...{ model_name: model, model_version: version, ...(id !== undefined && { id }) },
    outputs: [tensor],
  });
  return { json, ...(bytes && { bytes }) };
}

function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid('the request is not JSON');
  }
}

/** The numbers in lists of lists, one after another. */
function flat(data: readonly unknown[]): readonly number[] {
  const values: number[] = [];
  const add = (list: readonly unknown[], depth: number) => {
    for (const each of list) {
      if (typeof each === 'number') values.push(each);
      else if (Array.isArray(each) && depth < DEEPEST) add(each, depth + 1);
      else throw invalid('data is not a list of numbers, or of lists of them for each dimension');
    }
  };
  add(data, 1);
  return values;
}

function invalid(message: string): TrikdError {
  return new TrikdError('invalid', message);
}
