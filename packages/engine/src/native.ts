import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { EngineError } from './errors.js';

declare const opaque: unique symbol;
export type NativeGraph = { readonly [opaque]: 'graph' };
export type NativeSession = { readonly [opaque]: 'session' };

/** [operation, output index]. */
export type Output = readonly [number, number];

export type Attribute = { readonly name: string } & (
  | { readonly kind: 'type' | 'int' | 'float'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'shape' | 'ints' | 'types'; readonly value: readonly number[] }
  | { readonly kind: 'shapes'; readonly value: readonly (readonly number[])[] }
  | {
      readonly kind: 'tensor';
      readonly value: NodeJS.TypedArray;
      readonly dtype: number;
      readonly shape: readonly number[];
    }
);

export interface OperationInfo {
  readonly id: number;
  /** Rank and dimensions are -1 where TensorFlow cannot infer them. */
  readonly outputs: readonly { readonly dtype: number; readonly rank: number; readonly shape: number[] }[];
}

export interface Feed {
  readonly operation: number;
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly values: NodeJS.TypedArray;
}

export interface Device {
  readonly name: string;
  readonly type: string;
  /** Bytes, as TensorFlow counts them. */
  readonly memory: number;
}

/** The addon. Every function throws or rejects with an Error that has `code` and `operation`; see `fromNative`. */
export interface Native {
  version(): string;
  createGraph(): NativeGraph;
  /** An input is one output, or a list of outputs for ops that take lists. */
  addOperation(
    graph: NativeGraph,
    type: string,
    name: string,
    inputs: readonly (Output | readonly Output[])[],
    attributes: readonly Attribute[],
    controls: readonly number[],
  ): OperationInfo;
  closeGraph(graph: NativeGraph): void;
  /** TensorFlow believes a well-formed config, whatever its numbers are: `configProto` checks them. */
  createSession(graph: NativeGraph, config: Uint8Array): Promise<NativeSession>;
  run(
    session: NativeSession,
    feeds: readonly Feed[],
    fetches: readonly Output[],
    targets: readonly number[],
    traced: boolean,
  ): Promise<{ readonly values: NodeJS.TypedArray[]; readonly metadata?: Buffer }>;
  devices(session: NativeSession): Device[];
  /** Whether graphs may have the addon's own convolutions and batch norms: the processor has AVX2 or AVX-512. */
  hasConvolutions(): boolean;
  /** Fills `halves`, of the same length. Returns the index of the first finite number that float16 does not reach, or -1. */
  toFloat16(numbers: Float32Array, halves: Uint16Array): number;
  /** Fills `numbers`, of the same length. */
  fromFloat16(halves: Uint16Array, numbers: Float32Array): void;
  /**
   * Of each row fills `classes` with the columns of its k largest logits, and `others` with the largest of its other logits and the sum of
   * exp(logit - largest) over them.
   */
  largestLogits(logits: Float32Array, cols: number, classes: Uint16Array, others: Float64Array): void;
  /** `OWN_KERNELS`, unless the addon was built from other sources than this module. */
  kernels(): string;
  /** The instruction sets of this processor that the addon has kernels for, the fastest first, which computes. All compute the same bits. */
  instructionSets(): string[];
  /** For tests: the kernels of all sessions compute with another of them. Not while a session runs. */
  takeInstructionSet(name: string): void;
  closeSession(session: NativeSession): Promise<void>;
}

/** The name of the addon's kernels in a record of what computed a run. Another version may compute other bits. */
export const OWN_KERNELS = 'trikd_kernels_4';

const file = fileURLToPath(new URL('../build/trikd_engine.node', import.meta.url));

function load(): Native {
  // TensorFlow logs to stderr from its first instruction on; errors reach us as statuses anyway.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  const addon = required();
  if (isOfThisVersion(addon)) return addon;
  throw new EngineError('UNAVAILABLE', `the engine's addon ${file} is of another version: run \`make engine\``);
}

function required(): Native {
  try {
    return createRequire(import.meta.url)(file) as Native;
  } catch (cause) {
    const message = `the engine's addon cannot be loaded from ${file}: run \`make engine\` (${(cause as Error).message})`;
    throw new EngineError('UNAVAILABLE', message, '', { cause });
  }
}

/** An addon without the ops that a graph of today has would fail while tracing, by their names alone. */
export function isOfThisVersion(addon: Partial<Pick<Native, 'kernels' | 'largestLogits'>>): boolean {
  return addon.kernels?.() === OWN_KERNELS && addon.largestLogits !== undefined;
}

export const native = load();

/** Of the library that the addon is linked with, such as 2.21.0. */
export const tensorflowVersion = (): string => native.version();
