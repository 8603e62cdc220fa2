export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Uniform on [0, 1). */
  readonly random: () => number;
}

/** Pauses between attempts that double up to a bound, each shortened by up to half at random so that many do not come at once. */
export interface Backoff {
  /** Milliseconds to wait before the next attempt. */
  next(): number;
  /** The last attempt went well. */
  reset(): void;
}

export function createBackoff({ firstMs, maxMs, random }: BackoffOptions): Backoff {
  let pause = firstMs;
  return {
    next() {
      const now = pause;
      pause = Math.min(maxMs, pause * 2);
      return now * (0.5 + 0.5 * random());
    },
    reset() {
      pause = firstMs;
    },
  };
}
