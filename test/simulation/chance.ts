/** Reproducible chance: everything random in a simulation is drawn from one of these, in one order. */
export interface Chance {
  /** Uniform on [0, 1). */
  next(): number;
  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number;
  /** Uniform on [low, high). */
  between(low: number, high: number): number;
  happens(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Exponential: the time to the next of events that come once in `mean` on average. */
  after(mean: number): number;
}

/** sfc32 (Chris Doty-Humphrey, PractRand), seeded by one number. */
export function chanceOf(seed: number): Chance {
  let [a, b, c, d] = [seed | 0, seed ^ 0x9e3779b9, 0x243f6a88, 1];
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  for (let i = 0; i < 12; i++) next();
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    next,
    below,
    between: (low, high) => low + (high - low) * next(),
    happens: (probability) => probability > 0 && next() < probability,
    pick: (items) => items[below(items.length)]!,
    after: (mean) => -mean * Math.log(1 - next()),
  };
}
