import type { RunSpec } from '../spec/run-spec.js';

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
