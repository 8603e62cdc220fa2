import { createSerial } from '@trikd/core/async/serial';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Candidate } from '@trikd/core/run/lease';
import { loadRun } from '@trikd/core/run/run-store';
import type { DrivenRun } from '../runs/driven-run.js';
import type { RunView } from '../runs/ports.js';
import type { RunServices } from '../runs/run-services.js';
import { type CampaignPorts, campaign } from './campaign.js';
import { createNews } from './news.js';
import { createNextRun } from './next-run.js';
import { after, currentOf, driveOf, FOLLOWING, type LeadershipEvent, type LeadershipState, termOf } from './state.js';

/** One of several orchestrators of a store. While it has the lease, it drives runs, one after the other. */
export interface Leader {
  /** The term in which it leads; undefined while it follows. */
  readonly term: () => number | undefined;
  /** The run that is driven here. */
  readonly driven: () => DrivenRun | undefined;
  /** A run that is not driven here, with what it waits for, if this orchestrator leads and will drive it. */
  readonly placed: <V extends RunView>(run: V) => V;
  /** There may be a run to drive. With `seize` this orchestrator takes the lease at once, whichever has it. */
  readonly wake: (options?: { readonly seize: boolean }) => void;
  /** Resolves when something may have changed: after a change here, or after `look` seconds for changes by other orchestrators. */
  readonly news: (signal: AbortSignal) => Promise<void>;
  /**
   * Runs `work` while no run is taken on. A run that is driven already goes on, unless `work` pauses it.
   * @throws TrikdError `wrong-state` that names the leader when it is another orchestrator
   */
  readonly holding: <T>(work: (term: number) => Promise<T>) => Promise<T>;
  /** Pauses a run at a committed pair and releases it, when it is driven here. */
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

/** @param drained aborts when the current run is to pause and no other is to be taken on */
export function startLeader(ports: CampaignPorts, services: RunServices, drained: AbortSignal): Leader {
  const { store, clock, candidate, look } = ports;
  const { wake, news } = createNews(clock, look);
  const turns = createSerial();
  let state: LeadershipState = FOLLOWING;
  const become = (event: LeadershipEvent) => {
    state = after(state, event);
    wake();
  };
  const nextRun = createNextRun(ports);
  const over = campaign({ ports, services, drained, nextRun, turns, state: () => state, become, news });

  return {
    term: () => termOf(state),
    driven: () => driveOf(state),
    placed(run) {
      const first = driveOf(state)?.runId;
      if (run.live || run.state.phase !== 'queued' || first === undefined || first === run.spec.name) return run;
      const message = `the trio trains run ${first}`;
      return { ...run, queued: { position: 1, length: 1, reason: 'WaitingForTrio', message } };
    },
    wake(options) {
      if (options?.seize && state.kind === 'following') candidate.seize();
      wake();
    },
    news,
    async holding(work) {
      try {
        return await turns.run(async () => {
          const term = termOf(state);
          if (term === undefined) throw await notLeading(candidate);
          return work(term);
        });
      } finally {
        wake();
      }
    },
    async pause(runId) {
      const current = currentOf(state);
      if (current?.runId !== runId) return;
      current.pause.abort(new TrikdError('wrong-state', `run ${runId} is being paused`));
      await current.released;
    },
    async assertTerm(term, runId) {
      const run = await loadRun(store, runId);
      if (run.term <= term) return;
      become({ kind: 'term-found', term: run.term });
      const found = `run ${runId} was written in term ${run.term}`;
      currentOf(state)?.pause.abort(new TrikdError('out-of-step', `${found}, after term ${term}`));
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
