import { TrikdError } from '@trikd/core/errors';
import { assertAgreement, assertServing } from '@trikd/core/exchange/agreement';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import {
  type AnchorFacts,
  type AnchorParts,
  type AnchorServing,
  type GivenAnchor,
  openServing,
} from './anchor-serving.js';
import { isSameAttempt, precedes } from './attempt-order.js';
import type { ExchangeSource } from './exchange.controller.js';

/** The anchor that is served, and at times the next one beside it. */
export interface AnchorHolder extends ExchangeSource {
  /**
   * Loads beside what is served, then serves it instead. The same again changes nothing.
   * @throws TrikdError 'out-of-step' for an attempt before the one served, 'wrong-state' for other params of the same one, 'invalid',
   * 'not-found' (data) and 'corrupt' for what it was given. What is served stays.
   */
  load(given: GivenAnchor): Promise<AnchorFacts>;
  serving(): GivenAnchor | undefined;
  /** Ends serving, for good. */
  stop(): Promise<void>;
}

export function createAnchorHolder(parts: AnchorParts): AnchorHolder {
  let served: AnchorServing | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let stopped = false;

  async function replace(given: GivenAnchor): Promise<AnchorFacts> {
    if (stopped) throw new TrikdError('unavailable', 'shutting down');
    const before = served;
    if (before && isSameAttempt(before.given.start, given.start)) return unchanged(before, given);
    if (before && precedes(given.start, before.given.start)) assertServing(before.given.start, given.start);
    served = await openServing(parts, given);
    const { validation, test } = served.facts;
    parts.log.info({ ...given.start, params: given.params.key, validation, test }, 'anchor loaded');
    await before?.close(new TrikdError('out-of-step', `serving generation ${given.start.generation} now`));
    return served.facts;
  }

  return {
    load(given) {
      const facts = turn.then(() => replace(given));
      turn = facts.catch(() => undefined);
      return facts;
    },
    serving: () => served?.given,
    async *frames({ consumer, from, agreement }: Subscription, signal): AsyncGenerator<LogitsFrame, void> {
      if (!served) throw new TrikdError('out-of-step', `serving nothing, asked for generation ${from.generation}`);
      assertServing(served.given.start, from);
      assertAgreement(served.agreement, agreement, consumer);
      yield* served.frames(consumer, from.step, signal);
    },
    async stop() {
      stopped = true;
      await turn;
      await served?.close(new TrikdError('unavailable', 'shutting down'));
    },
  };
}

function unchanged({ given: { params, start }, facts }: AnchorServing, again: GivenAnchor): AnchorFacts {
  if (params.sha256 === again.params.sha256) return facts;
  throw new TrikdError(
    'wrong-state',
    `generation ${start.generation} attempt ${start.attempt} is served from ${params.sha256}, not from ${again.params.sha256}`,
  );
}
