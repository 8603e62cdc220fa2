import type { Clock } from './clock.js';

/** A long computation that yields wherever it may be interrupted. */
export type Sliced<T> = Generator<void, T>;

/** What lets other work of the process run between two slices. */
export interface Pauses {
  /** Milliseconds, from any start. */
  now(): number;
  /** Resolves after other work had its turn. */
  turn(): Promise<void>;
}

/** How long other work waits for a slice, in milliseconds: less than anybody notices, and far more than a turn costs. */
const SLICE_MS = 10;

/** Runs a computation to its end without interruption. */
export function atOnce<T>(work: Sliced<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** The pauses of a process whose time is a port. */
export function pausesOf(clock: Clock): Pauses {
  return { now: () => clock.now(), turn: () => clock.sleep(0) };
}

/** Runs a computation in slices of a few milliseconds. */
export async function inSlices<T>(work: Sliced<T>, pauses: Pauses): Promise<T> {
  for (;;) {
    const until = pauses.now() + SLICE_MS;
    do {
      const { done, value } = work.next();
      if (done) return value;
    } while (pauses.now() < until);
    await pauses.turn();
  }
}

/**
 * Runs `work` for each item, at most `most` at once, and starts none after a failure.
 * @returns the results in the order of the items
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  let next = 0;
  let failed = false;
  const lane = async () => {
    while (next < items.length && !failed) {
      const at = next;
      next += 1;
      try {
        results[at] = await work(items[at]!);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, lane));
  return results;
}
