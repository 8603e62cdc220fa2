import { createBackoff } from '@trikd/core/async/backoff';
import type { Clock } from '@trikd/core/async/clock';

/** When to give up, whichever comes first, and how long to pause before. */
export interface RetryPolicy {
  readonly attempts: number;
  /** Milliseconds after which no further attempt begins. */
  readonly withinMs: number;
  /** Of the pauses, that double from the first on. */
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface RetrySources {
  readonly clock: Clock;
  /** Uniform on [0, 1): shortens pauses, so that many callers do not come back at once. */
  readonly random: () => number;
}

/** Does `work` until it succeeds, or fails of something that `passes` says no to, or the policy is used up: then throws what it threw. */
export async function retrying<T>(
  policy: RetryPolicy,
  { clock, random }: RetrySources,
  passes: (error: unknown) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  const backoff = createBackoff({ firstMs: policy.firstMs, maxMs: policy.maxMs, random });
  const endMs = clock.now() + policy.withinMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const pause = backoff.next();
      if (!passes(error) || attempt >= policy.attempts || clock.now() + pause > endMs) throw error;
      await clock.sleep(pause);
    }
  }
}
