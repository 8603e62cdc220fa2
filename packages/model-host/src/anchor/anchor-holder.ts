import { TrikdError } from '@trikd/core/domain/errors';
import { behind, isSameAttempt, precedes, superseded } from '@trikd/core/domain/position';
import { assertAgreement, assertServing, notServed } from '@trikd/core/exchange/agreement';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import { reach } from '@trikd/process/points';
import { wallTime } from '@trikd/process/wall-time';
import { createStepMemory, type StepMemory } from '@trikd/telemetry/step-memory';
import type { ExchangeSource } from '../exchange/exchange.controller.js';
import type { AnchorAssignment, AnchorParts } from './anchor-parts.js';
import { type AnchorFacts, type AnchorServing, openServing } from './anchor-serving.js';

/** The anchor that is served, and at times the next one beside it: two models at most are open. */
export interface AnchorHolder extends ExchangeSource {
  /**
   * Loads beside what is served, then serves it instead. The same again changes nothing. Takes the place of a load that is still
   * going on, unless that is of a later attempt; frames are served all the while.
   * @throws TrikdError 'out-of-step' for an attempt before the one served or loaded, or when a later load took over, 'wrong-state' for
   * other params of the same one, 'invalid', 'not-found' (data), 'corrupt' and 'unavailable' for what it was given. What is served stays.
   */
  load(assignment: AnchorAssignment): Promise<AnchorFacts>;
  serving(): AnchorAssignment | undefined;
  /** Steps that are over. */
  readonly steps: StepMemory;
  /** Ends serving, for good. */
  stop(): Promise<void>;
}

/** An anchor on its way. */
interface Loading {
  readonly assignment: AnchorAssignment;
  readonly facts: Promise<AnchorFacts>;
  giveUp(reason: TrikdError): void;
}

export function createAnchorHolder(parts: AnchorParts): AnchorHolder {
  const { log } = parts;
  const steps = createStepMemory(wallTime(parts.clock), parts.telemetry);
  let served: AnchorServing | undefined;
  let loading: Loading | undefined;
  /** Settles when no model is open but the one that is served. */
  let released: Promise<unknown> = Promise.resolve();
  let stopped = false;

  function begin(assignment: AnchorAssignment): Loading {
    const over = new AbortController();
    const others = released;
    const at = () => ({ ...assignment.start, role: 'anchor' as const });
    reach('anchor.loading', at);
    const open = async () => {
      await others;
      const next = await openServing({ ...parts, steps }, assignment, over.signal);
      if (over.signal.aborted) {
        await letGo(next, over.signal.reason);
        throw over.signal.reason;
      }
      const before = served;
      reach('anchor.swapping', at);
      served = next;
      reach('anchor.swapped', at);
      loading = undefined;
      const { validation, test } = next.facts;
      log.info({ ...assignment.start, params: assignment.params.key, validation, test }, 'anchor loaded');
      released = before
        ? letGo(before, replacedBy(assignment, before.assignment)).then(() => reach('anchor.drained', at))
        : Promise.resolve();
      return next.facts;
    };
    const facts = open().catch((error: unknown) => {
      if (!over.signal.aborted) loading = undefined;
      log.warn({ ...assignment.start, params: assignment.params.key, err: error }, 'anchor not loaded');
      throw error;
    });
    released = facts.then(
      () => released,
      () => undefined,
    );
    return { assignment, facts, giveUp: (reason) => over.abort(reason) };
  }

  async function letGo(serving: AnchorServing, reason: TrikdError): Promise<void> {
    try {
      await serving.close(reason);
    } catch (error) {
      log.error({ ...serving.assignment.start, err: error }, 'an anchor could not be closed');
    }
  }

  return {
    async load(assignment) {
      if (stopped) throw new TrikdError('unavailable', 'shutting down');
      for (const known of [served, loading]) {
        if (!known) continue;
        if (precedes(assignment.start, known.assignment.start)) throw behind(assignment.start, known.assignment.start);
        if (!isSameAttempt(assignment.start, known.assignment.start)) continue;
        assertSameParams(known.assignment, assignment);
        return known.facts;
      }
      loading?.giveUp(superseded(loading.assignment.start, assignment.start));
      loading = begin(assignment);
      return loading.facts;
    },
    serving: () => served?.assignment,
    steps,
    async *frames({ consumer, from, agreement }: Subscription, signal): AsyncGenerator<LogitsFrame, void> {
      if (!served) throw new TrikdError('out-of-step', `serving nothing, asked for generation ${from.generation}`);
      assertServing(served.assignment.start, from);
      assertAgreement(served.agreement, agreement, consumer);
      yield* served.frames(consumer, from.step, signal);
    },
    async stop() {
      stopped = true;
      const reason = new TrikdError('unavailable', 'shutting down');
      loading?.giveUp(reason);
      await released;
      if (served) await letGo(served, reason);
    },
  };
}

/** Streams of the anchor before end with what a new one of theirs would be refused with. */
function replacedBy({ start }: AnchorAssignment, before: AnchorAssignment): TrikdError {
  return notServed(start, before.start) ?? superseded(before.start, start);
}

function assertSameParams({ params, start }: AnchorAssignment, again: AnchorAssignment): void {
  if (params.sha256 === again.params.sha256) return;
  throw new TrikdError(
    'wrong-state',
    `generation ${start.generation} attempt ${start.attempt} is served from ${params.sha256}, not from ${again.params.sha256}`,
  );
}
