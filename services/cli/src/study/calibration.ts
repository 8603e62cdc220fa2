import { answerOf } from '@trikd/core/tasks/classification/answer';

/** Rows of logits and their labels. */
export interface Answers {
  /** [rows, classes] */
  readonly logits: Float32Array;
  readonly labels: ArrayLike<number>;
}

/** Temperatures that are tried. */
const [COLDEST, HOTTEST] = [0.05, 20];

/** Width, in nats of the temperature's logarithm, at which the search ends. */
const CLOSE = 1e-4;

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * The temperature that logits must be divided by for the lowest mean negative log-likelihood (temperature scaling; Guo et al., *On
 * calibration of modern neural networks*, ICML 2017). The likelihood has one maximum in 1/T; golden-section search over its logarithm finds it.
 */
export function bestTemperature({ logits, labels }: Answers): number {
  const classes = logits.length / labels.length;
  const scaled = new Float32Array(classes);
  const nll = (logarithm: number) => {
    const temperature = Math.exp(logarithm);
    let sum = 0;
    for (let row = 0; row < labels.length; row++) {
      for (let index = 0; index < classes; index++) scaled[index] = logits[row * classes + index]! / temperature;
      sum += answerOf(scaled, labels[row]!).nll;
    }
    return sum;
  };
  return Math.exp(lowest(nll, Math.log(COLDEST), Math.log(HOTTEST)));
}

/** Where a function with one minimum has it. */
function lowest(f: (x: number) => number, from: number, to: number): number {
  let [low, high] = [from, to];
  let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [atLeft, atRight] = [f(left), f(right)];
  while (high - low > CLOSE) {
    if (atLeft <= atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - GOLDEN * (high - low);
      atLeft = f(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + GOLDEN * (high - low);
      atRight = f(right);
    }
  }
  return (low + high) / 2;
}

/** Logits at another temperature. */
export function atTemperature(logits: Float32Array, temperature: number): Float32Array {
  return logits.map((logit) => logit / temperature);
}
