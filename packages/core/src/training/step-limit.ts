import { createBell } from '../async/bell.js';
import type { StepLimit } from './ports.js';

/** A limit that its owner moves. */
export interface MovableLimit extends StepLimit {
  move(value: number): void;
  /** Rejects all waiters with `reason`. */
  abandon(reason: Error): void;
}

export function createStepLimit(first: number): MovableLimit {
  const bell = createBell();
  let limit = first;
  let abandoned: Error | undefined;
  return {
    get value() {
      return limit;
    },
    async changed(value) {
      while (!abandoned && limit === value) await bell.heard();
      if (abandoned) throw abandoned;
    },
    move(value) {
      limit = value;
      bell.ring();
    },
    abandon(reason) {
      abandoned ??= reason;
      bell.ring();
    },
  };
}
