import { setTimeout as delay } from 'node:timers/promises';

/** A process that others wait for. */
export interface Part {
  readonly name: string;
  /** The end of what it wrote. */
  words(): string;
  /** Whether it has ended. */
  gone(): boolean;
}

const START_MS = 120_000;
const POLL_MS = 100;

/** Asks until there is an answer. @throws the last error, what a part wrote before it ended, or the reason of the signal */
export async function untilAnswer(ask: () => unknown, parts: readonly Part[], signal?: AbortSignal): Promise<void> {
  const last = performance.now() + START_MS;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      const gone = parts.find((part) => part.gone());
      signal?.throwIfAborted();
      if (gone) throw new Error(`${gone.name} ended: ${gone.words()}`, { cause: error });
      if (performance.now() > last) throw error;
    }
    await delay(POLL_MS);
  }
}
