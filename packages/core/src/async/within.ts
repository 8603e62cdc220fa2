import type { Clock } from './clock.js';

/**
 * What `work` resolves to, or undefined when it takes longer than `seconds`. The work is not stopped; a failure after the deadline is
 * ignored, one before it is thrown.
 */
export async function within<T>(
  work: Promise<T>,
  seconds: number,
  clock: Pick<Clock, 'sleep'>,
): Promise<T | undefined> {
  const settled = new AbortController();
  const late = clock.sleep(1000 * seconds, settled.signal).then(
    () => undefined,
    () => undefined,
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    settled.abort();
  }
}
