import { createBell } from '@trikd/core/async/bell';
import { createSerial } from '@trikd/core/async/serial';
import { TrikdError } from '@trikd/core/domain/errors';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import { behind, isSameAttempt, nameOf, precedes, superseded } from '@trikd/core/domain/position';
import type { TrainedRole } from '@trikd/core/domain/role';
import { assertAgreement, assertServing } from '@trikd/core/exchange/agreement';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import type { Facts } from '@trikd/core/run/state';
import { type Assignment, startStepOf } from '@trikd/core/training/assignment';
import { reach } from '@trikd/process/points';
import { wallTime } from '@trikd/process/wall-time';
import { createStepMemory, type StepMemory } from '@trikd/telemetry/step-memory';
import type { ExchangeSource } from '../exchange/exchange.controller.js';
import type { NumberedEvent } from './event-log.js';
import { startAttempt, type TrainerAttempt, type TrainerParts } from './trainer-attempt.js';

/** A trainer: at most one attempt at a time. */
export interface Trainer extends ExchangeSource {
  readonly role: TrainedRole;
  /**
   * Takes an attempt. The same again changes nothing; a newer one, or one of another run, ends the present one first, even one that
   * still waits for its data or its checkpoint.
   * @throws TrikdError 'out-of-step' for an older one and for one that another replaced before it was taken, 'invalid', 'not-found'
   * (data) and 'corrupt' for what it was given.
   */
  assign(assignment: Assignment): Promise<Facts>;
  /**
   * Moves the step before which the trainer rests. Returns the first step that it has not begun.
   * @throws TrikdError 'out-of-step' for another attempt, 'wrong-state' when it is beyond `limit` already.
   */
  setLimit(attempt: GenerationAttempt, limit: number): number;
  /**
   * Asks for a checkpoint of a step, besides those that are planned. Asking again changes nothing. Returns the first step not begun.
   * @throws TrikdError 'out-of-step' for another attempt, 'wrong-state' when the step may have begun.
   */
  saveAt(attempt: GenerationAttempt, step: number): number;
  /** Steps that are over. */
  readonly steps: StepMemory;
  /** The present attempt, ended or not. */
  present(): TrainerAttempt | undefined;
  /**
   * The events of the attempt from number `from` on; with `pastOnly`, those that have happened already.
   * @throws TrikdError 'out-of-step' for another attempt, or once the attempt was replaced.
   */
  watch(
    attempt: GenerationAttempt,
    from: number,
    signal: AbortSignal,
    pastOnly?: boolean,
  ): AsyncGenerator<NumberedEvent, void>;
  /**
   * Takes no attempt any more, and gives whoever watches the present one the time to bring it to rest: then `stop` costs no step that
   * was trained.
   */
  leave(): Promise<void>;
  /** Ends the present attempt, for good. */
  stop(): Promise<void>;
}

/**
 * A peer may ask for an attempt before this trainer was given it: the orchestrator tells one of the two first. So long it waits, and
 * for an attempt that is being started as long as that takes.
 */
const EARLY_PEER_SECONDS = 10;

/** @param earlyPeerSeconds how long a peer that asks for an attempt to come is kept waiting */
export function createTrainer(parts: TrainerParts, earlyPeerSeconds = EARLY_PEER_SECONDS): Trainer {
  const changed = createBell();
  const assignments = createSerial();
  const steps = createStepMemory(wallTime(parts.clock), parts.telemetry);
  let attempt: TrainerAttempt | undefined;
  let starting: { readonly id: GenerationAttempt; readonly abandoned: AbortController } | undefined;
  /** The newest attempt that was ever asked for, whether it could be started or not. */
  let newest: GenerationAttempt | undefined;
  let stopped = false;

  async function replace(assignment: Assignment): Promise<Facts> {
    const asked = assignment.attempt;
    if (stopped) throw shuttingDown();
    if (attempt && isSameAttempt(attempt.id, asked)) return attempt.facts;
    if (newest && !isSameAttempt(newest, asked)) throw superseded(asked, newest);
    reach('attempt.assigned', () => ({ ...asked, role: parts.role, step: startStepOf(assignment) }));
    const before = attempt;
    attempt = undefined;
    await before?.abandon(superseded(before.id, asked));
    const abandoned = new AbortController();
    starting = { id: asked, abandoned };
    try {
      attempt = await startAttempt({ ...parts, steps }, assignment, abandoned);
      return attempt.facts;
    } finally {
      starting = undefined;
      changed.ring();
    }
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
      const isComing = () => starting !== undefined && isSameAttempt(starting.id, asked);
      while (!signal.aborted && mayCome() && (!late || isComing())) await changed.heard();
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
    async assign(assignment) {
      const asked = assignment.attempt;
      if (newest && precedes(asked, newest)) throw behind(asked, newest);
      newest = asked;
      // In its turn it would wait for as long as the one before waits for the store.
      if (starting && !isSameAttempt(starting.id, asked)) starting.abandoned.abort(superseded(starting.id, asked));
      return assignments.run(() => replace(assignment));
    },
    setLimit(asked, limit) {
      const held = presentAs(asked);
      assertNotBegun(held, limit, 'rest before');
      held.limit.move(limit);
      return held.notBegun();
    },
    saveAt(asked, step) {
      const held = presentAs(asked);
      assertNotBegun(held, step, 'save at');
      held.saveAt(step);
      return held.notBegun();
    },
    steps,
    present: () => attempt,
    watch: (asked, from, signal, pastOnly) => presentAs(asked).events.read(from, signal, pastOnly),
    async *frames({ consumer, from, agreement }: Subscription, signal): AsyncGenerator<LogitsFrame, void> {
      const held = await arrived(from, signal);
      assertAgreement(held.agreement, agreement, consumer);
      yield* held.window.frames(consumer, from.step, signal);
    },
    async leave() {
      stopped = true;
      await attempt?.leave();
    },
    async stop() {
      stopped = true;
      starting?.abandoned.abort(shuttingDown());
      await assignments.idle();
      await attempt?.abandon(shuttingDown());
    },
  };
}

function assertNotBegun(held: TrainerAttempt, step: number, what: 'rest before' | 'save at'): void {
  const earliest = held.notBegun();
  if (step >= earliest) return;
  const message = `cannot ${what} step ${step}: step ${earliest} is the first not begun`;
  throw new TrikdError('wrong-state', message, { step, earliest });
}

function shuttingDown(): TrikdError {
  return new TrikdError('unavailable', 'shutting down');
}
