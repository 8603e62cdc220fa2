import type { StallCause, TrainerPorts } from './ports.js';

/** Reports when a wait takes long, and when it is over. */
export interface StallWatch {
  /**
   * Settles as `work` does, and reports a long wait meanwhile.
   * @param what describes the wait, as in `waiting for step 3 of the anchor`
   */
  during<T>(on: StallCause, what: string, work: Promise<T>): Promise<T>;
  /** Stops reporting. */
  end(): void;
}

/**
 * Creates a watch that lasts as long as its training. One timer serves all waits, since a step is too short for a timer
 * of its own: a wait that started during its sleep is not yet overdue when it fires.
 * @param seconds after which a wait is long
 */
export function createStallWatch({ clock, emit }: Pick<TrainerPorts, 'clock' | 'emit'>, seconds: number): StallWatch {
  const waits = new Map<StallCause, { readonly since: number; readonly what: string; reported: boolean }>();
  const ended = new AbortController();

  /** Reports long waits, and returns the milliseconds until the next one may become long. */
  function look(): number {
    const now = clock.now();
    let pause = 1000 * seconds;
    for (const [on, wait] of waits) {
      if (wait.reported) continue;
      const left = wait.since + 1000 * seconds - now;
      if (left > 0) {
        pause = Math.min(pause, left);
        continue;
      }
      wait.reported = true;
      emit({ kind: 'stalled', on, reason: `${wait.what} for ${seconds} s` });
    }
    return pause;
  }

  const watch = async () => {
    for (;;) await clock.sleep(look(), ended.signal);
  };
  // It fails only when the watch ends.
  watch().catch(() => undefined);

  return {
    async during(on, what, work) {
      const wait = { since: clock.now(), what, reported: false };
      waits.set(on, wait);
      try {
        const answer = await work;
        if (wait.reported) emit({ kind: 'went-on', on });
        return answer;
      } finally {
        waits.delete(on);
      }
    },
    end: () => ended.abort(),
  };
}
