import type { ChanceLoss } from '../task.js';
import type { MarginSpec } from './margin-spec.js';

/**
 * The loss of a model whose embeddings are at a right angle to the weights of all identities: all logits are 0, but that of the label,
 * which the margin lowers.
 */
export function chanceLoss(spec: MarginSpec, classes: number): ChanceLoss {
  const lowered = spec.scale * loweredBy(spec);
  const nats = lowered + Math.log(Math.exp(-lowered) + classes - 1);
  const formula = lowered === 0 ? `ln(${classes})` : `ln(1 + ${classes - 1} e^${lowered.toFixed(2)})`;
  return { nats, formula };
}

/** How much the margin takes from a cosine of 0. */
function loweredBy(spec: MarginSpec): number {
  switch (spec.kind) {
    case 'softmax':
      return 0;
    case 'cosface':
      return spec.margin;
    case 'arcface':
      return Math.sin(spec.margin);
  }
}
