import { createBackoff } from '@trikd/core/async/backoff';
import type { Clock } from '@trikd/core/async/clock';
import { createSerial } from '@trikd/core/async/serial';
import { orAborted } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';

export interface RetryingStoreOptions {
  readonly clock: Clock;
  /** Uniform on [0, 1): spreads the retries of many processes. */
  readonly random: () => number;
  /** Ends all retries. */
  readonly signal: AbortSignal;
  /**
   * Called with the reason when an outage starts, again for each other reason, and with undefined when the outage is
   * over.
   */
  readonly onOutage: (reason: string | undefined) => void;
  /** The first pause, in milliseconds. Default 100. */
  readonly firstMs?: number;
  /** The longest pause, in milliseconds. Default 5000. */
  readonly maxMs?: number;
}

/**
 * A store that retries every operation that fails as 'unavailable' until it succeeds, or until `signal` aborts, and then
 * throws the signal's reason. Other errors are thrown at once. During an outage, operations run one at a time with
 * pauses between them, so that the store receives less than 20 requests a second however many operations are pending.
 *
 * A write whose answer was lost is repeated: `create` may then find its own object, and `replace` its own version.
 */
export function retryingStore(store: ObjectStore, options: RetryingStoreOptions): ObjectStore {
  const retrying = untilAvailable(options);
  return {
    get: (key) => retrying(() => store.get(key)),
    size: (key) => retrying(() => store.size(key)),
    part: (key, offset, length) => retrying(() => store.part(key, offset, length)),
    put: (key, bytes) => retrying(() => store.put(key, bytes)),
    create: (key, bytes) => retrying(() => store.create(key, bytes)),
    replace: (key, bytes, version) => retrying(() => store.replace(key, bytes, version)),
    list: (prefix) => retrying(() => store.list(prefix)),
    remove: (key) => retrying(() => store.remove(key)),
  };
}

function untilAvailable({ clock, random, signal, onOutage, firstMs = 100, maxMs = 5000 }: RetryingStoreOptions) {
  const backoff = createBackoff({ firstMs, maxMs, random });
  /** Operations whose latest try failed. */
  const failing = new Set<object>();
  let reported: string | undefined;
  let endedAt = Number.NEGATIVE_INFINITY;
  let notBefore = Number.NEGATIVE_INFINITY;
  /** Operations that run one at a time, and their number. */
  const turns = createSerial();
  let queued = 0;

  function report(reason: string | undefined): void {
    if (reason === reported) return;
    reported = reason;
    onOutage(reason);
  }

  function failed(operation: object, reason: string): void {
    const now = clock.now();
    // A store that fails again soon after it recovered has the same outage.
    if (failing.size === 0 && now - endedAt > maxMs) backoff.reset();
    // Concurrent operations fail together: one pause is enough for all.
    if (now >= notBefore) notBefore = now + backoff.next();
    failing.add(operation);
    report(reason);
  }

  function settled(operation: object): void {
    if (!failing.delete(operation) || failing.size > 0) return;
    endedAt = clock.now();
    report(undefined);
  }

  /** Tries once. Undefined means: retry. */
  async function attempt<T>(operation: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    try {
      const value = await orAborted(operation(), signal);
      settled(operation);
      return { value };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TrikdError && error.kind === 'unavailable') {
        failed(operation, error.message);
        return undefined;
      }
      settled(operation);
      throw error;
    }
  }

  function inTurn<T>(operation: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    return turns.run(async () => {
      signal.throwIfAborted();
      const pause = notBefore - clock.now();
      if (pause > 0) await clock.sleep(pause, signal);
      return attempt(operation);
    });
  }

  return async <T>(operation: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    let done = queued === 0 ? await attempt(operation) : undefined;
    queued++;
    try {
      while (!done) done = await inTurn(operation);
    } finally {
      queued--;
    }
    return done.value;
  };
}

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
