/** Element types that cross between JavaScript and the graph. */
export type DType = 'float32' | 'int32' | 'uint8';

/** A tensor on the host: what is fed, fetched and stored. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** Dtype and static shape of an input of a function. */
export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** TensorFlow's numbers for dtypes (`TF_DataType` of the C API). */
export const TF = {
  FLOAT: 1,
  INT32: 3,
  UINT8: 4,
  STRING: 7,
  COMPLEX64: 8,
  INT64: 9,
  BOOL: 10,
  RESOURCE: 20,
} as const;

export const TF_DTYPE: Readonly<Record<DType, number>> = { float32: TF.FLOAT, int32: TF.INT32, uint8: TF.UINT8 };

/** The typed array that holds elements of a dtype. */
export const ARRAY = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;

export const float32 = (...shape: number[]): TensorSpec => ({ dtype: 'float32', shape });
export const int32 = (...shape: number[]): TensorSpec => ({ dtype: 'int32', shape });
export const uint8 = (...shape: number[]): TensorSpec => ({ dtype: 'uint8', shape });

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}
