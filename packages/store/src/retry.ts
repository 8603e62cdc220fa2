import { createBackoff } from '@trikd/core/async/backoff';
import type { Clock } from '@trikd/core/async/clock';

/** When to give up, whichever comes first, and how long to pause between attempts. */
export interface RetryPolicy {
  readonly attempts: number;
  /** Milliseconds after which no further attempt starts. */
  readonly withinMs: number;
  /** The first pause. Pauses double up to `maxMs`. */
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface RetrySources {
  readonly clock: Clock;
  /** Uniform on [0, 1): shortens pauses, so that many callers do not retry at the same time. */
  readonly random: () => number;
}

/** Retries `work` while its errors are transient and the policy allows it, then throws the last error. */
export async function retry<T>(
  policy: RetryPolicy,
  { clock, random }: RetrySources,
  isTransient: (error: unknown) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  const backoff = createBackoff({ firstMs: policy.firstMs, maxMs: policy.maxMs, random });
  const endMs = clock.now() + policy.withinMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const pause = backoff.next();
      if (!isTransient(error) || attempt >= policy.attempts || clock.now() + pause > endMs) throw error;
      await clock.sleep(pause);
    }
  }
}
