export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Uniform on [0, 1). */
  readonly random: () => number;
}

/**
 * Pauses between attempts. They double up to a bound, and each is shortened by up to half at random so that many
 * clients do not retry at once.
 */
export interface Backoff {
  /** Milliseconds to wait before the next attempt. */
  next(): number;
  /** Starts over with the shortest pause after an attempt that succeeded. */
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
