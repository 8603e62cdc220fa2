import { createBell } from '@trikd/core/async/bell';
import { createSerial } from '@trikd/core/async/serial';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Numerics } from '@trikd/core/domain/numerics';
import type { StageAttempt, TrainedRole } from '@trikd/core/domain/position';
import { isSameAttempt, nameOf, precedes, superseded } from '@trikd/core/domain/position';
import { assertSecret, assertServing } from '@trikd/core/exchange/agreement';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import {
  type Assignment,
  assertNotFenced,
  isSameOrder,
  ORDER_SECONDS,
  type Order,
  startStepOf,
} from '@trikd/core/training/assignment';
import { faultPoint } from '@trikd/process/fault-points';
import { wallTime } from '@trikd/process/system-clock';
import { createStepMemory, type StepMemory } from '@trikd/telemetry/step-recorder';
import type { ExchangeSource } from '../exchange-source.js';
import { assertConsumer, assertProducer } from '../exchange-source.js';
import type { NumberedEvent } from './attempt-events.js';
import { type AssignedFacts, startAttempt, type TrainerAttempt } from './trainer-attempt.js';
import type { TrainerParts } from './trainer-parts.js';

/** A trainer: at most one attempt at a time. */
export interface Trainer extends ExchangeSource {
  readonly role: TrainedRole;
  /**
   * Starts an attempt. Idempotent for the current order; one of a later term, of a newer attempt, or of another run ends
   * the current attempt first, even if it still waits for its data or its checkpoint.
   * @throws TrikdError 'out-of-step' for an order of an earlier term or attempt than the active one and for one that is
   * replaced before it has started, for another assignment under the current order; 'invalid', 'not-found' (data) and 'corrupt' for what the assignment refers to
   */
  assign(assignment: Assignment): Promise<AssignedFacts>;
  /**
   * Moves the step before which the trainer rests. Returns the first open step.
   * @throws TrikdError 'out-of-step' for another attempt, 'wrong-state' for a limit before the first open step
   */
  setLimit(attempt: StageAttempt, limit: number): number;
  /**
   * Requests a checkpoint of a step besides the planned ones. Idempotent. Returns the first open step.
   * @throws TrikdError 'out-of-step' for another attempt, 'wrong-state' for a step before the first open one
   */
  saveAt(attempt: StageAttempt, step: number): number;
  /** What it computes with, by the engine settings of a run; undefined: it does not report it. */
  numerics(engine: RunSpec['engine']): Numerics | undefined;
  /** The most recent steps. */
  readonly steps: StepMemory;
  /** The current attempt, ended or not. */
  current(): TrainerAttempt | undefined;
  /**
   * The events of an attempt from number `from` on; with `pastOnly`, only those emitted so far.
   * @throws TrikdError 'out-of-step' for another attempt, and when the attempt is replaced
   */
  watch(
    attempt: StageAttempt,
    from: number,
    signal: AbortSignal,
    pastOnly?: boolean,
  ): AsyncGenerator<NumberedEvent, void>;
  /**
   * Rejects new attempts, and gives the watchers of the current one time to pause it at a checkpoint, so that `stop`
   * loses no trained step.
   */
  leave(): Promise<void>;
  /** Ends the current attempt and rejects new ones. */
  stop(): Promise<void>;
}

/**
 * The orchestrator assigns an attempt to one of the trainers first, so its peer's request may arrive before the
 * assignment. That request waits for so long, and while the attempt starts, until it has started.
 */
const EARLY_PEER_SECONDS = 10;

/** @param earlyPeerSeconds how long a peer's request waits for an attempt that is not assigned yet */
export function createTrainer(parts: TrainerParts, earlyPeerSeconds = EARLY_PEER_SECONDS): Trainer {
  const changed = createBell();
  const assignments = createSerial();
  const steps = createStepMemory(wallTime(parts.clock), parts.telemetry);
  let attempt: TrainerAttempt | undefined;
  let starting: { readonly order: Order; readonly abandoned: AbortController } | undefined;
  /** The latest accepted order, whether its attempt has started or not, and when it was last given. */
  let latest: { readonly order: Order; readonly at: number } | undefined;
  let stopped = false;

  async function replace(assignment: Assignment): Promise<AssignedFacts> {
    const requested = assignment.attempt;
    if (stopped) throw shuttingDown();
    if (attempt && isSameOrder(attempt.order, assignment)) {
      assertSameAssignment(attempt.assignment, assignment);
      return attempt.facts;
    }
    if (latest && !isSameOrder(latest.order, assignment)) throw superseded(requested, latest.order.attempt);
    faultPoint('attempt.assigned', () => ({ ...requested, role: parts.role, step: startStepOf(assignment) }));
    const before = attempt;
    attempt = undefined;
    await before?.abandon(superseded(before.id, requested));
    const abandoned = new AbortController();
    starting = { order: assignment, abandoned };
    try {
      attempt = await startAttempt({ ...parts, steps }, assignment, abandoned);
      return attempt.facts;
    } catch (error) {
      if (latest && isSameOrder(latest.order, assignment)) latest = undefined;
      throw error;
    } finally {
      starting = undefined;
      changed.ring();
    }
  }

  /** The latest order, while its attempt is active and its orchestrator is there: one that is gone fences out nobody. */
  function activeOrder(): Order | undefined {
    if (!latest) return undefined;
    const { order, at } = latest;
    const started = attempt && isSameOrder(attempt.order, order) ? attempt : undefined;
    if (started?.events.hasReaders()) return order;
    const isRecent = parts.clock.now() - at < 1000 * ORDER_SECONDS;
    return isRecent && !started?.isIdle() ? order : undefined;
  }

  const serving = () => `serving ${attempt ? nameOf(attempt.id) : 'nothing'}`;

  function currentAs(requested: StageAttempt): TrainerAttempt {
    if (attempt && isSameAttempt(attempt.id, requested)) return attempt;
    throw new TrikdError('out-of-step', `${serving()}, asked for ${nameOf(requested)}`);
  }

  /** Waits for an attempt that may still be assigned; rejects any other at once. */
  async function assigned(requested: StageAttempt, signal: AbortSignal): Promise<TrainerAttempt> {
    let late = false;
    const stopWaiting = () => {
      late = true;
      changed.ring();
    };
    const left = new AbortController();
    parts.clock.sleep(earlyPeerSeconds * 1000, left.signal).then(stopWaiting, () => undefined);
    signal.addEventListener('abort', stopWaiting, { once: true });
    try {
      const mayCome = () => !(attempt && (isSameAttempt(attempt.id, requested) || precedes(requested, attempt.id)));
      const isComing = () => starting !== undefined && isSameAttempt(starting.order.attempt, requested);
      while (!signal.aborted && mayCome() && (!late || isComing())) await changed.heard();
      if (!attempt || mayCome()) {
        throw new TrikdError(
          'out-of-step',
          `waited ${earlyPeerSeconds} s for ${nameOf(requested)}, which is not served`,
        );
      }
      assertServing(attempt.id, requested);
      return attempt;
    } finally {
      left.abort();
      signal.removeEventListener('abort', stopWaiting);
    }
  }

  return {
    role: parts.role,
    async assign(assignment) {
      const { attempt: requested, term } = assignment;
      assertNotFenced(assignment, activeOrder());
      latest = { order: { attempt: requested, term }, at: parts.clock.now() };
      // Otherwise this assignment would wait while the previous one waits for the store.
      if (starting && !isSameOrder(starting.order, assignment))
        starting.abandoned.abort(superseded(starting.order.attempt, requested));
      return assignments.run(() => replace(assignment));
    },
    setLimit(requested, limit) {
      const current = currentAs(requested);
      assertOpen(current, limit, 'rest before');
      current.limit.move(limit);
      return current.firstOpenStep();
    },
    saveAt(requested, step) {
      const current = currentAs(requested);
      assertOpen(current, step, 'save at');
      current.saveAt(step);
      return current.firstOpenStep();
    },
    numerics: (engine) => parts.numerics?.(engine),
    steps,
    current: () => attempt,
    watch: (requested, from, signal, pastOnly) => currentAs(requested).events.read(from, signal, pastOnly),
    async *frames(
      { consumer, producer, from, agreement, secret }: Subscription,
      signal,
    ): AsyncGenerator<LogitsFrame, void> {
      const current = await assigned(from, signal);
      assertSecret(current.assignment.exchangeSecret, secret, consumer);
      assertConsumer(current.agreement, agreement, { consumer, log: parts.log });
      assertProducer(producer, [current.producer]);
      yield* current.window.frames(consumer, from.step, signal);
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

/** The limit is not compared: the current attempt may have another by now. */
function assertSameAssignment(current: Assignment, again: Assignment): void {
  const contentOf = ({ spec, resume, init, sources, replicas, promoted, exchangeSecret }: Assignment) =>
    canonicalJson({ spec, resume, init, sources, replicas, promoted, exchangeSecret });
  if (contentOf(current) === contentOf(again)) return;
  throw new TrikdError('out-of-step', `${nameOf(current.attempt)} is assigned already, and otherwise`);
}

function assertOpen(attempt: TrainerAttempt, step: number, what: 'rest before' | 'save at'): void {
  const earliest = attempt.firstOpenStep();
  if (step >= earliest) return;
  const message = `cannot ${what} step ${step}: the first step that has not started is ${earliest}`;
  throw new TrikdError('wrong-state', message, { step, earliest });
}

function shuttingDown(): TrikdError {
  return new TrikdError('unavailable', 'shutting down');
}
