/** Losses as the papers write them, in double precision, on rows of plain numbers: what the tensors must agree with. */
export type Rows = readonly (readonly number[])[];

/** exp(logit / T) over the sum of them, of one row. */
export function softmax(logits: readonly number[], temperature = 1): number[] {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp((logit - largest) / temperature));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** sum_c p ln(p / q) of one row. */
export function divergence(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, share, c) => sum + (share === 0 ? 0 : share * Math.log(share / q[c]!)), 0);
}

export const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** -ln softmax(logits)[label], mean over the rows. */
export function crossEntropy(labels: readonly number[], logits: Rows): number {
  return mean(logits.map((row, i) => -Math.log(softmax(row)[labels[i]!]!)));
}

/** KL(softmax(target / T) ‖ softmax(logits / T)), mean over the rows, without T². */
export function klToTarget(target: Rows, logits: Rows, temperature: number): number {
  return mean(logits.map((row, i) => divergence(softmax(target[i]!, temperature), softmax(row, temperature))));
}

/** The gradient of a loss with respect to every logit, by central differences. */
export function numericalGradient(loss: (logits: Rows) => number, logits: Rows, step = 1e-5): number[] {
  return logits.flatMap((row, i) =>
    row.map((_, c) => {
      const moved = (by: number) => logits.map((own, r) => (r === i ? own.map((x, k) => (k === c ? x + by : x)) : own));
      return (loss(moved(step)) - loss(moved(-step))) / (2 * step);
    }),
  );
}
