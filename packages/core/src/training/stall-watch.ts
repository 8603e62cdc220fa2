import type { TrainerPorts } from './ports.js';
import type { StallCause } from './trainer-event.js';

/** Tells when a wait takes long, and when it is over. */
export interface StallWatch {
  /**
   * What `work` resolves to, told of while it is waited for.
   * @param what is being done, as in `waiting for step 3 of the anchor`
   */
  during<T>(on: StallCause, what: string, work: Promise<T>): Promise<T>;
  /** Nothing is told any more. */
  end(): void;
}

/**
 * A watch that ends with its training. It has one sleeper for all waits, since a step is too short for a timer of its own: what began
 * while it slept is not overdue when it wakes.
 * @param seconds after which a wait is long
 */
export function createStallWatch({ clock, emit }: Pick<TrainerPorts, 'clock' | 'emit'>, seconds: number): StallWatch {
  const waits = new Map<StallCause, { readonly since: number; readonly what: string; told: boolean }>();
  const ended = new AbortController();

  /** Tells of the waits that are long, and returns the milliseconds until the next one may be. */
  function look(): number {
    const now = clock.now();
    let pause = 1000 * seconds;
    for (const [on, wait] of waits) {
      if (wait.told) continue;
      const left = wait.since + 1000 * seconds - now;
      if (left > 0) {
        pause = Math.min(pause, left);
        continue;
      }
      wait.told = true;
      emit({ kind: 'stalled', on, reason: `${wait.what} for ${seconds} s` });
    }
    return pause;
  }

  const watch = async () => {
    for (;;) await clock.sleep(look(), ended.signal);
  };
  // It fails of nothing but its end.
  watch().catch(() => undefined);

  return {
    async during(on, what, work) {
      const wait = { since: clock.now(), what, told: false };
      waits.set(on, wait);
      try {
        const answer = await work;
        if (wait.told) emit({ kind: 'went-on', on });
        return answer;
      } finally {
        waits.delete(on);
      }
    },
    end: () => ended.abort(),
  };
}
