import type { Position } from '../domain/position.js';
import type { RunSpec } from '../spec/run-spec.js';

/** One model's logits for one step: the only thing that models exchange. */
export interface LogitsFrame {
  readonly position: Position;
  /** Digest, hex, of the augmented images and labels that the logits were computed from. */
  readonly batchDigest: string;
  readonly logits: SentLogits;
  /** W3C trace context of the step that made the frame. */
  readonly traceparent?: string;
}

/**
 * What two models must have in common for their logits to be comparable. Compared field by field when a stream opens,
 * so that a mismatch is named.
 */
export interface Agreement {
  /** SHA-256 of the canonical run spec, hex. */
  readonly specDigest: string;
  /** SHA-256 over the training split: pixels, labels and their order, hex. */
  readonly datasetDigest: string;
  readonly classes: number;
  readonly batchSize: number;
  readonly seed: number;
}

/** How the frames of a run carry logits. */
export interface FrameFormat {
  readonly precision: 'float32' | 'float16';
  /** The largest logits of each row that are sent, below half of the classes. Absent: all are sent. */
  readonly topK?: number;
}

/** The format of a run that does not say otherwise. */
export const ALL_LOGITS: FrameFormat = { precision: 'float32' };

/** Bytes of an index of a class: there are at most 65,536. */
const INDEX_BYTES = 2;

/**
 * The format of the frames of a run. Half of the classes or more are all sent: with their indices they would take as many bytes, and
 * lose something.
 */
export function formatOf({ exchange: { precision, topK } }: Pick<RunSpec, 'exchange'>, classes: number): FrameFormat {
  return {
    precision: precision ?? 'float32',
    ...(topK !== undefined && 2 * topK < classes && { topK }),
  };
}

/** Bytes of the logits of a frame. */
export function logitsBytes({ precision, topK }: FrameFormat, rows: number, classes: number): number {
  const each = precision === 'float32' ? 4 : 2;
  return rows * (topK === undefined ? each * classes : (each + INDEX_BYTES) * topK + each);
}

/** `the 8 largest logits of each row in float16` */
export function formatText({ precision, topK }: FrameFormat): string {
  return `${topK === undefined ? 'all logits' : `the ${topK} largest logits of each row`} in ${precision}`;
}

/** Numbers as they are sent: float32, or the bits of float16. */
export type SentNumbers = Float32Array | Uint16Array;

/** The logits of a batch as a frame carries them. What a receiver learns from is a function of this alone, however it came. */
export interface SentLogits {
  /** Examples. */
  readonly rows: number;
  /** Classes. */
  readonly cols: number;
  /** Row-major: rows x cols, or rows x k where only the largest are sent. */
  readonly data: SentNumbers;
  /** Absent: all logits are sent. */
  readonly top?: {
    /** rows x k: the classes of `data`, ascending in each row. */
    readonly classes: Uint16Array;
    /** One for each row: the logit of each class that is not sent. */
    readonly rest: SentNumbers;
  };
}

/** The format of what was sent. */
export function formatIn({ rows, data, top }: SentLogits): FrameFormat {
  return {
    precision: data instanceof Float32Array ? 'float32' : 'float16',
    ...(top && { topK: top.classes.length / rows }),
  };
}
