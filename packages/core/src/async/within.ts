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

/** Settles as `promise` does, unless the signal aborts first: then it rejects with the signal's reason. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    // The signal lives as long as a stage; listeners left on it would accumulate with every step.
    signal.removeEventListener('abort', abort);
  }
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
