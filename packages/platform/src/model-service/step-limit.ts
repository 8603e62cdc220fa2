import type { TrikdError } from '@trikd/core/errors';
import { createBell } from '@trikd/core/exchange/bell';
import type { StepLimit } from '@trikd/core/training/ports';

/** A limit that somebody else moves. */
export interface MovableLimit extends StepLimit {
  move(value: number): void;
  /** Whoever waits for a change gets `reason`. */
  abandon(reason: TrikdError): void;
}

export function createStepLimit(first: number): MovableLimit {
  const bell = createBell();
  let limit = first;
  let abandoned: TrikdError | undefined;
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
      abandoned = reason;
      bell.ring();
    },
  };
}
