import type { Clock } from './clock.js';

/** Without a reason, each would get an error of its own, with a stack that nobody reads. */
const SETTLED = new Error('the work has settled');

/**
 * What `work` resolves to, or undefined if it takes longer than `seconds`. The work continues; a failure before the
 * deadline is thrown, a later one is ignored.
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
    settled.abort(SETTLED);
  }
}
