import type { Position } from '../domain/position.js';
import type { SentLogits } from './sent-logits.js';

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
