import type { StepLimit } from './ports.js';

/** A step limit that its owner moves. */
export interface MovableLimit extends StepLimit {
  move(value: number): void;
  /** Makes everybody who waits give up. */
  abandon(reason: unknown): void;
}

export function createStepLimit(initial: number): MovableLimit {
  let value = initial;
  let waiting: { readonly resolve: () => void; readonly reject: (reason: unknown) => void }[] = [];
  let abandoned: { readonly reason: unknown } | undefined;
  const release = (settle: (one: (typeof waiting)[number]) => void) => {
    const released = waiting;
    waiting = [];
    released.forEach(settle);
  };
  return {
    get value() {
      return value;
    },
    async changed(seen) {
      if (abandoned) throw abandoned.reason;
      if (seen === value) await new Promise<void>((resolve, reject) => waiting.push({ resolve, reject }));
    },
    move(next) {
      value = next;
      release(({ resolve }) => resolve());
    },
    abandon(reason) {
      abandoned ??= { reason };
      release(({ reject }) => reject(reason));
    },
  };
}
