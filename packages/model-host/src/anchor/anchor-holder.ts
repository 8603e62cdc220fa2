import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Numerics } from '@trikd/core/domain/numerics';
import { nameOf, superseded } from '@trikd/core/domain/position';
import { assertSecret, assertServing, notServed } from '@trikd/core/exchange/agreement';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { FrozenAssignment } from '@trikd/core/training/assignment';
import { assertNotFenced, isSameOrder, ORDER_SECONDS, type Order } from '@trikd/core/training/assignment';
import { faultPoint } from '@trikd/process/fault-points';
import { wallTime } from '@trikd/process/system-clock';
import { createStepMemory, type StepMemory } from '@trikd/telemetry/step-recorder';
import type { ExchangeSource } from '../exchange-source.js';
import { assertConsumer, assertProducer } from '../exchange-source.js';
import type { AnchorParts } from './anchor-parts.js';
import { type AnchorFacts, type AnchorServing, openServing } from './anchor-serving.js';

/** The anchor that is served and, for a while, the next one while it loads: at most two models are open. */
export interface AnchorHolder extends ExchangeSource {
  /**
   * Loads an anchor, then serves it instead of the current one, which is served until then. Idempotent. Replaces a load
   * in progress unless that one is of a later term or attempt.
   * @throws TrikdError 'out-of-step' for an order of an earlier term or attempt than the active one, or if a later load
   * takes over, for other params or another spec under the same order; 'invalid', 'not-found' (data), 'corrupt' and
   * 'unavailable' for what the assignment refers to. The current anchor is then still served.
   */
  load(assignment: FrozenAssignment): Promise<AnchorFacts>;
  serving(): FrozenAssignment | undefined;
  /** What it computes with, by the engine settings of a run; undefined: it does not report it. */
  numerics(engine: RunSpec['engine']): Numerics | undefined;
  /** The most recent steps. */
  readonly steps: StepMemory;
  /** Stops serving and rejects new loads. */
  stop(): Promise<void>;
}

/** A load in progress. */
interface Loading {
  readonly assignment: FrozenAssignment;
  readonly facts: Promise<AnchorFacts>;
  giveUp(reason: TrikdError): void;
}

export function createAnchorHolder(parts: AnchorParts): AnchorHolder {
  const { log } = parts;
  const steps = createStepMemory(wallTime(parts.clock), parts.telemetry);
  let served: AnchorServing | undefined;
  let loading: Loading | undefined;
  /** Settles when the served model is the only one that is open. */
  let released: Promise<unknown> = Promise.resolve();
  /** The latest accepted order, and when it was last given. */
  let latest: { readonly order: Order; readonly at: number } | undefined;
  /** Streams of frames that are open. */
  let open = 0;
  let stopped = false;

  /** The latest order, while it is used or its orchestrator is there: one that is gone fences out nobody. */
  function activeOrder(): Order | undefined {
    if (!latest) return undefined;
    const { order, at } = latest;
    const isUsed = open > 0 && served !== undefined && isSameOrder(orderOf(served.assignment), order);
    return isUsed || parts.clock.now() - at < 1000 * ORDER_SECONDS ? order : undefined;
  }

  function startLoading(assignment: FrozenAssignment): Loading {
    const abandoned = new AbortController();
    const others = released;
    const at = () => ({ ...assignment.start, role: 'anchor' as const });
    faultPoint('anchor.loading', at);
    const open = async () => {
      await others;
      const next = await openServing({ ...parts, steps }, assignment, abandoned.signal);
      if (abandoned.signal.aborted) {
        await close(next, abandoned.signal.reason);
        throw abandoned.signal.reason;
      }
      const previous = served;
      faultPoint('anchor.swapping', at);
      served = next;
      faultPoint('anchor.swapped', at);
      loading = undefined;
      log.info({ ...assignment.start, params: keysOf(assignment), scores: next.facts.scores }, 'anchor loaded');
      released = previous
        ? close(previous, replacedBy(assignment, previous.assignment)).then(() => faultPoint('anchor.drained', at))
        : Promise.resolve();
      return next.facts;
    };
    const facts = open().catch((error: unknown) => {
      if (!abandoned.signal.aborted) loading = undefined;
      // The served anchor goes on, and its order counts again.
      if (latest && isSameOrder(latest.order, orderOf(assignment))) {
        latest = served && { order: orderOf(served.assignment), at: latest.at };
      }
      log.warn({ ...assignment.start, params: keysOf(assignment), err: error }, 'anchor not loaded');
      throw error;
    });
    released = facts.then(
      () => released,
      () => undefined,
    );
    return { assignment, facts, giveUp: (reason) => abandoned.abort(reason) };
  }

  async function close(serving: AnchorServing, reason: TrikdError): Promise<void> {
    try {
      await serving.close(reason);
    } catch (error) {
      log.error({ ...serving.assignment.start, err: error }, 'anchor not closed');
    }
  }

  return {
    async load(assignment) {
      if (stopped) throw new TrikdError('unavailable', 'shutting down');
      const order = orderOf(assignment);
      assertNotFenced(order, activeOrder());
      latest = { order, at: parts.clock.now() };
      for (const known of [served, loading]) {
        if (!known || !isSameOrder(orderOf(known.assignment), order)) continue;
        assertSameAssignment(known.assignment, assignment);
        return known.facts;
      }
      loading?.giveUp(superseded(loading.assignment.start, assignment.start));
      loading = startLoading(assignment);
      return loading.facts;
    },
    serving: () => served?.assignment,
    numerics: (engine) => parts.numerics?.(engine),
    steps,
    async *frames(
      { consumer, producer, from, agreement, secret }: Subscription,
      signal,
    ): AsyncGenerator<LogitsFrame, void> {
      assertServing(served?.assignment.start, from);
      if (!served) return;
      assertSecret(served.assignment.exchangeSecret, secret, consumer);
      assertConsumer(served.agreement, agreement, { consumer, log });
      assertProducer(producer, [...served.models.keys()]);
      open += 1;
      try {
        yield* served.models.get(producer)!.frames(consumer, from.step, signal);
      } finally {
        open -= 1;
      }
    },
    async stop() {
      stopped = true;
      const reason = new TrikdError('unavailable', 'shutting down');
      loading?.giveUp(reason);
      await released;
      if (served) await close(served, reason);
    },
  };
}

/** Keys of the params, by participant. */
function keysOf({ params }: FrozenAssignment): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(params).map(([name, { key }]) => [name, key]));
}

/** Streams of the previous anchor end with the error that a new request for it would be rejected with. */
function replacedBy({ start }: FrozenAssignment, previous: FrozenAssignment): TrikdError {
  return notServed(start, previous.start) ?? superseded(previous.start, start);
}

function orderOf({ start: { runId, stage, attempt }, term }: FrozenAssignment): Order {
  return { attempt: { runId, stage, attempt }, term };
}

function assertSameAssignment(current: FrozenAssignment, again: FrozenAssignment): void {
  const contentOf = ({ params, spec, exchangeSecret }: FrozenAssignment) =>
    canonicalJson({ params, spec, exchangeSecret });
  if (contentOf(current) === contentOf(again)) return;
  throw new TrikdError(
    'out-of-step',
    `${nameOf(current.start)} is assigned already, with other params, another spec or another secret`,
  );
}
