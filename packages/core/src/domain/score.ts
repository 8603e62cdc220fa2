/** How well a model performs on one split. */
export interface Score {
  /** Share of examples whose largest logit is the label, 0..1. */
  readonly accuracy: number;
  /** Mean negative log-likelihood of the label, natural logarithm. */
  readonly nll: number;
  readonly examples: number;
}
