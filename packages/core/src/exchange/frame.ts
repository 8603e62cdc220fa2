import type { Matrix } from '../domain/matrix.js';
import type { Position } from '../domain/position.js';

/** One model's logits for one step: all that ever crosses the wire between models. */
export interface LogitsFrame {
  readonly position: Position;
  /** Digest of the augmented images and labels the logits were computed from, hex. */
  readonly batchDigest: string;
  readonly logits: Matrix;
  /** W3C trace context of the step that made the frame. */
  readonly traceparent?: string;
}

/**
 * What two models must share before their logits mean anything to each other.
 * Compared field by field when a stream opens, so that a mismatch is named.
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
