import type { ServedOutput } from './served-model.js';

/** A tensor of a request, as it came. */
export interface InputTensor {
  readonly name: string;
  /** As the Open Inference Protocol names it, such as UINT8. */
  readonly datatype: string;
  readonly shape: readonly number[];
  /** Bytes, little-endian, or numbers one after another. */
  readonly content: { readonly bytes: Uint8Array } | { readonly values: ArrayLike<number> };
}

/** A request for outputs. */
export interface InferenceRequest {
  readonly model: string;
  /** Empty: the current one. */
  readonly version: string;
  readonly inputs: readonly InputTensor[];
  /** Names of the outputs that are wanted; none: all. */
  readonly outputs: readonly string[];
  /** W3C trace context of the caller, as it came; absent: it has none. */
  readonly traceparent?: string;
}

/** The answer to a request. */
export interface InferenceAnswer {
  readonly model: string;
  /** The version that computed it. */
  readonly version: string;
  readonly rows: number;
  readonly output: ServedOutput;
}

/** Describes a tensor; a size of -1 may be any. */
export interface TensorFacts {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** Describes a model. */
export interface ModelFacts {
  readonly model: string;
  readonly versions: readonly string[];
  readonly inputs: readonly TensorFacts[];
  readonly outputs: readonly TensorFacts[];
  /** More about the model, by name. */
  readonly properties: Readonly<Record<string, string>>;
}

/** A version of a model. */
export interface IndexedVersion {
  readonly model: string;
  readonly version: string;
  readonly loaded: boolean;
  /** Why it is not. */
  readonly reason: string;
}
