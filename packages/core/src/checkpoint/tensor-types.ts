import type { HostTensor } from '../models/params.js';

export type TensorType = HostTensor['dtype'];

/** Names of the element types in safetensors, in the order in which the Python package stores them. */
export const SAFETENSORS_NAME: Readonly<Record<TensorType, 'F32' | 'I32' | 'U8'>> = {
  float32: 'F32',
  int32: 'I32',
  uint8: 'U8',
};

/** The inverse mapping. */
export const TYPE_NAMED: Readonly<Record<'F32' | 'I32' | 'U8', TensorType>> = {
  F32: 'float32',
  I32: 'int32',
  U8: 'uint8',
};

/** Bytes of one element. */
export const ELEMENT_BYTES: Readonly<Record<TensorType, number>> = { float32: 4, int32: 4, uint8: 1 };

/** Elements of a tensor of this shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The element type of a tensor's data, whatever its `dtype` claims. */
export function typeOfData(data: HostTensor['data']): TensorType {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Int32Array ? 'int32' : 'uint8';
}

/** A tensor's type and shape for messages: `float32[3,3,1,16]`. */
export function describeTensor(tensor: Pick<HostTensor, 'dtype' | 'shape'>): string {
  return `${tensor.dtype}[${tensor.shape.join(',')}]`;
}
