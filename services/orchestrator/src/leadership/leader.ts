import { createBell } from '@trikd/core/async/bell';
import type { Clock } from '@trikd/core/async/clock';
import { orAborted, within } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import type { RunView } from '@trikd/core/run/run-view';
import { wantsTrio } from '@trikd/core/run/state';
import type { Candidate } from '@trikd/core/run/stored/lease';
import { loadRun } from '@trikd/core/run/stored/run-store';
import type { DrivenRun } from '../runs/driven-run.js';
import type { RunServices } from '../runs/run-services.js';
import { type CampaignPorts, campaign } from './campaign.js';
import { createRunReader, type RunIndex } from './run-index.js';
import { createRunQueue } from './run-queue.js';
import {
  after,
  currentOf,
  driveOf,
  FOLLOWING,
  type LeadershipEvent,
  type LeadershipState,
  rosterOf,
  termOf,
} from './state.js';

/** One of several orchestrators of a store. While it has the lease, it drives all runs that have a trio. */
export interface Leader {
  /** The term in which it leads; undefined while it follows. */
  readonly term: () => number | undefined;
  /** A run that is driven here. */
  readonly driven: (runId: string) => DrivenRun | undefined;
  /** A run that is not driven with its place in the queue, or with what its trio waits for, if this orchestrator leads. */
  readonly inQueue: <V extends RunView>(run: V) => V & Pick<RunView, 'queued'>;
  /** There may be something to decide. With `seize` this orchestrator takes the lease at once, whichever has it. */
  readonly wake: (options?: { readonly seize: boolean }) => void;
  /** Resolves when something may have changed: after a change here, or after `look` seconds for changes by other orchestrators. */
  readonly news: (signal: AbortSignal) => Promise<void>;
  /**
   * The term in which this orchestrator leads.
   * @throws TrikdError `wrong-state` that names the leader when it is another orchestrator
   */
  readonly leading: () => Promise<number>;
  /** Brings a run to rest at a committed pair and releases it, when it is driven here. */
  readonly pause: (runId: string) => Promise<void>;
  /**
   * Refuses to write a run that was written in a later term, as can happen after the loss of the lease object, and has this orchestrator
   * elected again above that term. A paused run is not driven by any leader, so this is the only place where that is noticed.
   * @throws TrikdError `unavailable`
   */
  readonly assertTerm: (term: number, runId: string) => Promise<void>;
  /** Resolves when this orchestrator follows, and does not campaign any more. */
  readonly over: Promise<void>;
}

/**
 * @param steered whether a run is being steered
 * @param drained aborts when the current runs are to rest and no other is to be taken on
 */
export function startLeader(
  ports: CampaignPorts,
  services: RunServices,
  index: RunIndex,
  steered: (runId: string) => boolean,
  drained: AbortSignal,
): Leader {
  const { store, clock, candidate, look, placement, failed } = ports;
  const decisions = createNews(clock, look);
  const changes = createNews(clock, look);
  let state: LeadershipState = FOLLOWING;
  const become = (event: LeadershipEvent) => {
    state = after(state, event);
    decisions.wake();
    changes.wake();
  };
  const queue = createRunQueue({ clock, placement, queue: ports.queue, index, state: () => state, steered, failed });
  const over = campaign({
    ...{ ports, services, drained, index, queue, become },
    reader: createRunReader(ports),
    state: () => state,
    wake: decisions.wake,
    news: decisions.news,
  });

  return {
    term: () => termOf(state),
    driven: (runId) => driveOf(state, runId),
    inQueue(run) {
      if (!wantsTrio(run.state) || state.kind === 'following') return run;
      const { name } = run.spec;
      if (run.state.phase === 'queued' && !queue.waitOf(name)) queue.decide();
      const queued = queue.waitOf(name);
      return queued ? { ...run, queued } : run;
    },
    wake(options) {
      if (options?.seize && state.kind === 'following') candidate.seize();
      decisions.wake();
      changes.wake();
    },
    news: changes.news,
    async leading() {
      const term = termOf(state);
      if (term === undefined) throw await notLeading(candidate);
      return term;
    },
    async pause(runId) {
      const current = currentOf(state, runId);
      if (!current) return;
      current.stop.abort(new TrikdError('wrong-state', `run ${runId} is being paused`));
      await current.released;
    },
    async assertTerm(term, runId) {
      const run = await loadRun(store, runId);
      if (run.term <= term) return;
      become({ kind: 'term-found', term: run.term });
      const found = `run ${runId} was written in term ${run.term}`;
      const reason = new TrikdError('out-of-step', `${found}, after term ${term}`);
      for (const { stop } of rosterOf(state)) stop.abort(reason);
      throw new TrikdError('unavailable', `${found}: this orchestrator has to be elected again above it; retry`);
    },
    over,
  };
}

async function notLeading(candidate: Candidate): Promise<TrikdError> {
  const leader = await candidate.leader();
  if (leader === undefined) return new TrikdError('wrong-state', 'no orchestrator leads at the moment: retry');
  return new TrikdError('wrong-state', `this orchestrator does not lead: send the request to ${leader}`, { leader });
}

/** Changes that others wait for. */
export interface News {
  readonly wake: () => void;
  /** Resolves when something has changed here, when something may have changed elsewhere, or when the signal aborts. */
  readonly news: (signal: AbortSignal) => Promise<void>;
}

/** Without a reason, each would get an error of its own, with a stack that nobody reads. */
const OVER = new Error('the news are over');

/** @param look seconds after which something may have changed elsewhere: what other orchestrators write is not announced */
export function createNews(clock: Clock, look: number): News {
  const bell = createBell();
  return {
    wake: bell.ring,
    news: async (signal) => {
      const left = new AbortController();
      await orAborted(within(bell.heard(left.signal), look, clock), signal).catch(() => undefined);
      left.abort(OVER);
    },
  };
}
