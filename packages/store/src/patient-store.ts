import { createBackoff } from '@trikd/core/async/backoff';
import type { Clock } from '@trikd/core/async/clock';
import { orAborted } from '@trikd/core/async/or-aborted';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';

export interface PatienceOptions {
  readonly clock: Clock;
  /** Uniform on [0, 1): spreads the tries of many processes. */
  readonly random: () => number;
  /** The life of whoever owns the store. */
  readonly signal: AbortSignal;
  /** Told the sentence that says why an operation fails, and each other sentence after it; undefined once nothing fails any more. */
  readonly trouble: (reason: string | undefined) => void;
  /** Milliseconds of the first pause. Default 100. */
  readonly firstMs?: number;
  /** Milliseconds of the longest pause. Default 5000. */
  readonly maxMs?: number;
}

/**
 * A store whose operations take as long as they need: what fails as 'unavailable' is tried again until it does not, or until `signal`
 * aborts, and then its reason is thrown. Any other error is passed on at once. While something fails, all operations go one at a time
 * and with pauses between them, so that a store in trouble is asked less than 20 times a second however many wait for it.
 * A write whose answer was lost is made again: `create` may find its own object there, and `replace` its own version gone.
 */
export function patientStore(store: ObjectStore, options: PatienceOptions): ObjectStore {
  const patiently = patience(options);
  return {
    get: (key) => patiently(() => store.get(key)),
    size: (key) => patiently(() => store.size(key)),
    put: (key, bytes) => patiently(() => store.put(key, bytes)),
    create: (key, bytes) => patiently(() => store.create(key, bytes)),
    replace: (key, bytes, version) => patiently(() => store.replace(key, bytes, version)),
    list: (prefix) => patiently(() => store.list(prefix)),
    remove: (key) => patiently(() => store.remove(key)),
  };
}

function patience({ clock, random, signal, trouble, firstMs = 100, maxMs = 5000 }: PatienceOptions) {
  const backoff = createBackoff({ firstMs, maxMs, random });
  /** Operations whose newest try failed. */
  const failing = new Set<object>();
  let told: string | undefined;
  let quietSince = Number.NEGATIVE_INFINITY;
  let notBefore = Number.NEGATIVE_INFINITY;
  /** The operations that go one at a time: how many, and the newest of their tries. */
  let queued = 0;
  let last: Promise<unknown> = Promise.resolve();

  function tell(reason: string | undefined): void {
    if (reason === told) return;
    told = reason;
    trouble(reason);
  }

  function failed(operation: object, reason: string): void {
    const now = clock.now();
    // A store that fails again soon after it worked is still in the same trouble.
    if (failing.size === 0 && now - quietSince > maxMs) backoff.reset();
    // Operations that were under way together fail together: one pause is enough for all.
    if (now >= notBefore) notBefore = now + backoff.next();
    failing.add(operation);
    tell(reason);
  }

  function ended(operation: object): void {
    if (!failing.delete(operation) || failing.size > 0) return;
    quietSince = clock.now();
    tell(undefined);
  }

  /** Tries once. Undefined: it is to be tried again. */
  async function attempt<T>(operation: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    try {
      const value = await orAborted(operation(), signal);
      ended(operation);
      return { value };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TrikdError && error.kind === 'unavailable') {
        failed(operation, error.message);
        return undefined;
      }
      ended(operation);
      throw error;
    }
  }

  function inTurn<T>(operation: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    const mine = last.then(async () => {
      signal.throwIfAborted();
      const pause = notBefore - clock.now();
      if (pause > 0) await clock.sleep(pause, signal);
      return attempt(operation);
    });
    last = mine.catch(() => undefined);
    return mine;
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
