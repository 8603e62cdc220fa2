/** What a row of logits says of its example. */
export interface Answer {
  /** Negative log-likelihood of the label, natural logarithm. */
  readonly nll: number;
  /** The largest probability. */
  readonly confidence: number;
  /** Classes that the model finds more probable than the label; of equal logits the first is taken for the largest. */
  readonly rank: number;
}

/** Reads a row of logits in double precision. NaN among them makes `nll` and `confidence` NaN. */
export function answerOf(logits: Float32Array, label: number): Answer {
  const own = logits[label]!;
  let max = Number.NEGATIVE_INFINITY;
  let rank = 0;
  for (let index = 0; index < logits.length; index++) {
    const logit = logits[index]!;
    max = Math.max(max, logit);
    if (logit > own || (logit === own && index < label)) rank++;
  }
  let sum = 0;
  for (let index = 0; index < logits.length; index++) sum += Math.exp(logits[index]! - max);
  return { nll: max + Math.log(sum) - own, confidence: 1 / sum, rank };
}

/** A class as an answer. */
export interface ClassProbability {
  readonly label: number;
  readonly probability: number;
}

/** The most probable classes of a row of logits, the most probable first, in double precision. Of equal logits the first class comes first. */
export function topClasses(logits: Float32Array, count: number): readonly ClassProbability[] {
  const max = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - max), 0);
  return [...logits.entries()]
    .sort(([a, left], [b, right]) => right - left || a - b)
    .slice(0, count)
    .map(([label, logit]) => ({ label, probability: Math.exp(logit - max) / sum }));
}
