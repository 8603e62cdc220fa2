/** One named tensor on the host, in the byte order of safetensors (little-endian, row-major). */
export interface HostTensor {
  readonly dtype: 'float32' | 'int32' | 'uint8';
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/**
 * The numbers of a model, or of its optimizer, by name.
 * Model params are named by layer (`stage1.block0.conv1/kernel`), optimizer slots `<param>/momentum` and the like.
 */
export type Params = ReadonlyMap<string, HostTensor>;
