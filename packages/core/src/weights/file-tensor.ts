import { TrikdError } from '../domain/errors.js';

/** A tensor of a weights file, as the file has it. */
export interface FileTensor {
  readonly name: string;
  /** Such as `F32` or `BF16`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Its numbers as float32. @throws TrikdError 'invalid' for a type that has no place in float32, and for numbers that are not finite */
  read(): Float32Array;
}

/** What a weights file holds. */
export interface WeightsFile {
  readonly format: 'safetensors' | 'tfjs';
  readonly tensors: readonly FileTensor[];
  /** Texts about the file. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The numbers of a tensor, if all of them are finite. */
export function finite(name: string, data: Float32Array): Float32Array {
  const place = data.findIndex((value) => !Number.isFinite(value));
  if (place === -1) return data;
  throw new TrikdError('invalid', `tensor ${name} is ${data[place]} at element ${place}`, { tensor: name });
}
