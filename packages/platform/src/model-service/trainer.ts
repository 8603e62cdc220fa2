import { TrikdError } from '@trikd/core/errors';
import { assertAgreement, assertServing } from '@trikd/core/exchange/agreement';
import { createBell } from '@trikd/core/exchange/bell';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import type { GenerationAttempt, TrainedRole } from '@trikd/core/position';
import { behind, isSameAttempt, nameOf, precedes, superseded } from './attempt-order.js';
import type { NumberedEvent } from './event-log.js';
import type { ExchangeSource } from './exchange.controller.js';
import {
  type AttemptFacts,
  type GivenAttempt,
  startAttempt,
  type TrainerAttempt,
  type TrainerParts,
} from './trainer-attempt.js';

/** A trainer: at most one attempt at a time. */
export interface Trainer extends ExchangeSource {
  readonly role: TrainedRole;
  /**
   * Takes an attempt. The same again changes nothing; a newer one, or one of another run, ends the present one first.
   * @throws TrikdError 'out-of-step' for an older one, 'invalid', 'not-found' (data) and 'corrupt' for what it was given.
   */
  assign(given: GivenAttempt): Promise<AttemptFacts>;
  /**
   * Moves the step before which the trainer rests. Returns the first step that it has not begun.
   * @throws TrikdError 'out-of-step' for another attempt, 'wrong-state' when it is beyond `limit` already.
   */
  setLimit(attempt: GenerationAttempt, limit: number): number;
  /** The present attempt, ended or not. */
  present(): TrainerAttempt | undefined;
  /** @throws TrikdError 'out-of-step' for another attempt, or once the attempt was replaced. */
  watch(attempt: GenerationAttempt, from: number, signal: AbortSignal): AsyncGenerator<NumberedEvent, void>;
  /** Ends the present attempt, for good. */
  stop(): Promise<void>;
}

/**
 * A peer may ask for an attempt before this trainer was given it: the orchestrator tells one of the two first. So long it waits.
 */
const EARLY_PEER_SECONDS = 10;

/** @param earlyPeerSeconds how long a peer that asks for an attempt to come is kept waiting */
export function createTrainer(parts: TrainerParts, earlyPeerSeconds = EARLY_PEER_SECONDS): Trainer {
  const changed = createBell();
  let attempt: TrainerAttempt | undefined;
  /** The newest attempt that was ever taken, whether it could be started or not. */
  let newest: GenerationAttempt | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let stopped = false;

  async function replace(given: GivenAttempt): Promise<AttemptFacts> {
    const asked = given.attempt;
    if (stopped) throw new TrikdError('unavailable', 'shutting down');
    if (attempt && isSameAttempt(attempt.id, asked)) return attempt.facts;
    if (newest && precedes(asked, newest)) throw behind(asked, newest);
    newest = asked;
    const before = attempt;
    attempt = undefined;
    await before?.abandon(superseded(before.id, asked));
    attempt = await startAttempt(parts, given);
    changed.ring();
    return attempt.facts;
  }

  const here = () => `serving ${attempt ? nameOf(attempt.id) : 'nothing'}`;

  function presentAs(asked: GenerationAttempt): TrainerAttempt {
    if (attempt && isSameAttempt(attempt.id, asked)) return attempt;
    throw new TrikdError('out-of-step', `${here()}, asked for ${nameOf(asked)}`);
  }

  /** Waits for an attempt that is still to come; others are refused at once. */
  async function arrived(asked: GenerationAttempt, signal: AbortSignal): Promise<TrainerAttempt> {
    let late = false;
    const stopWaiting = () => {
      late = true;
      changed.ring();
    };
    const left = new AbortController();
    parts.clock.sleep(earlyPeerSeconds * 1000, left.signal).then(stopWaiting, () => undefined);
    signal.addEventListener('abort', stopWaiting, { once: true });
    try {
      const mayCome = () => !(attempt && (isSameAttempt(attempt.id, asked) || precedes(asked, attempt.id)));
      while (!late && !signal.aborted && mayCome()) await changed.heard();
      if (!attempt || mayCome()) {
        throw new TrikdError('out-of-step', `${here()}, waited ${earlyPeerSeconds} s for ${nameOf(asked)}`);
      }
      assertServing(attempt.id, asked);
      return attempt;
    } finally {
      left.abort();
      signal.removeEventListener('abort', stopWaiting);
    }
  }

  return {
    role: parts.role,
    assign(given) {
      const facts = turn.then(() => replace(given));
      turn = facts.catch(() => undefined);
      return facts;
    },
    setLimit(asked, limit) {
      const held = presentAs(asked);
      const earliest = held.notBegun();
      if (limit < earliest) {
        throw new TrikdError(
          'wrong-state',
          `cannot rest before step ${limit}: step ${earliest} is the first not begun`,
          {
            limit,
            earliest,
          },
        );
      }
      held.limit.move(limit);
      return held.notBegun();
    },
    present: () => attempt,
    watch: (asked, from, signal) => presentAs(asked).events.read(from, signal),
    async *frames({ consumer, from, agreement }: Subscription, signal): AsyncGenerator<LogitsFrame, void> {
      const held = await arrived(from, signal);
      assertAgreement(held.agreement, agreement, consumer);
      yield* held.window.frames(consumer, from.step, signal);
    },
    async stop() {
      stopped = true;
      await turn;
      await attempt?.abandon(new TrikdError('unavailable', 'shutting down'));
    },
  };
}
