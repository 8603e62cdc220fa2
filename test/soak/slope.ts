/** A value at a time. */
export type Sample = readonly [at: number, value: number];

export interface Slope {
  /** Gain of the value in one unit of time, by least squares. */
  readonly perUnit: number;
  /** Its standard error, as if the samples were independent. */
  readonly error: number;
}

/** The straight line through samples. Three samples or more. */
export function slopeOf(samples: readonly Sample[]): Slope {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(samples.map(([at]) => at)), mean(samples.map(([, value]) => value))];
  const spread = samples.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
  const perUnit = samples.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0) / spread;
  const rest = samples.reduce((sum, [at, value]) => sum + (value - y - perUnit * (at - x)) ** 2, 0);
  return { perUnit, error: Math.sqrt(rest / (samples.length - 2) / spread) };
}
