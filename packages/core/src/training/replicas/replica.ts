import type { Feeds } from '@trikd/engine';
import type { ModelSession } from '../role-program.js';

/** One of the copies of a model that train together. A step calls its first three functions, in this order. */
export interface Replica {
  /**
   * Starts a step.
   * @param feeds those of its part of the batch
   * @returns the logits of its part, row-major
   */
  forward(feeds: Feeds): Promise<Float32Array>;
  /**
   * Hands it the logits of the others for its part, by participant.
   * @returns its share of what replicas average: gradients, statistics and reported numbers, flat
   */
  backward(targets: ReadonlyMap<string, Float32Array>): Promise<Float32Array>;
  /**
   * Hands it the sum of all shares. No state of it changes before.
   * @returns the outputs of the step, once it has updated its params
   */
  update(sum: Float32Array): Promise<Record<string, Float32Array>>;
  assign: ModelSession['assign'];
  /** Ends what is under way. */
  close(): Promise<void>;
}
