/** A request to steer a run. `at` is the time, which the run remembers with a move of its anchor. */
export type Steering =
  /** Begin the generation that waits. */
  | { readonly kind: 'triggered' }
  /** Stop at a committed pair until the run is resumed. */
  | { readonly kind: 'paused' }
  /** Continue. */
  | { readonly kind: 'resumed' }
  /** End the run for good. */
  | { readonly kind: 'cancelled' }
  /** Make the student of an ended generation the anchor, against the rule. */
  | { readonly kind: 'promoted'; readonly to: number; readonly at?: string }
  /** Make the student of an earlier, promoted generation the anchor again. */
  | { readonly kind: 'rolled-back'; readonly to: number; readonly at?: string };
