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
