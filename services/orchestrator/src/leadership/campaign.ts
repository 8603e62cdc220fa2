import type { Serial } from '@trikd/core/async/serial';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { duty } from '@trikd/core/run/advance';
import type { Candidate, Leadership } from '@trikd/core/run/lease';
import type { SavedRun } from '@trikd/core/run/run-store';
import type { RunServices } from '../runs/run-services.js';
import { type DriveToRestPorts, driveToRest } from './drive-to-rest.js';
import type { LeadershipEvent, LeadershipState } from './state.js';

export interface CampaignPorts extends DriveToRestPorts {
  /** Fails at once while it is away. */
  readonly store: ObjectStore;
  readonly candidate: Candidate;
  /** Seconds between two looks at the store for what other orchestrators have written. */
  readonly look: number;
  /** Gets what keeps a run from being driven here; an empty `runId`: any run. */
  failed(runId: string, error: unknown): void;
}

/** One orchestrator in the election. */
export interface Contender {
  readonly ports: CampaignPorts;
  readonly services: RunServices;
  /** Aborts when the current run is to pause and no other is to be taken on. */
  readonly drained: AbortSignal;
  readonly nextRun: (signal: AbortSignal) => Promise<SavedRun | undefined>;
  /** A run is taken on, or a run is steered, never both at once. */
  readonly turns: Serial;
  readonly state: () => LeadershipState;
  readonly become: (event: LeadershipEvent) => void;
  /** Resolves when there may be a run to drive. */
  readonly news: (signal: AbortSignal) => Promise<void>;
}

/** Leads whenever it is elected. Resolves after the drain, when the lease is released. */
export async function campaign(self: Contender): Promise<void> {
  const { ports, drained, state, become } = self;
  while (!drained.aborted) {
    try {
      const lease = await ports.candidate.campaign(drained, state().newestTerm);
      become({ kind: 'elected', lease });
      try {
        await lead(self, lease);
      } finally {
        await resign(self, lease);
      }
    } catch (error) {
      if (drained.aborted) return;
      ports.failed('', error);
      await ports.clock.sleep(1000 * ports.look, drained).catch(() => undefined);
    }
  }
}

/** Drives one run after the other. @throws TrikdError `out-of-step` when the term has to be above that of a run */
async function lead(self: Contender, lease: Leadership): Promise<void> {
  const { ports, services, drained, turns, news } = self;
  lease.lost.addEventListener('abort', () => void services.broadcasts.endAll((runId) => farewell(self, runId)), {
    once: true,
  });
  const over = AbortSignal.any([lease.lost, drained]);
  while (!over.aborted) {
    const taken = await turns.run(() => takeNext(self, lease, over));
    if (!taken) {
      await news(over);
      continue;
    }
    try {
      await taken.done;
    } catch (error) {
      // Another orchestrator has written: the next look shows what. A run that cannot be taken over stays as it is.
      if (!(error instanceof TrikdError)) throw error;
      ports.failed(taken.runId, error);
      await news(over);
    }
  }
}

interface Taken {
  readonly runId: string;
  /** Settles when the run is released. */
  readonly done: Promise<void>;
}

/** Takes on the next run that has something to do. Its drive has begun when this resolves, and goes on. */
async function takeNext(self: Contender, lease: Leadership, over: AbortSignal): Promise<Taken | undefined> {
  const { ports, nextRun, state, become } = self;
  assertNewest(state(), lease);
  const run = await nextRun(over).catch((error: unknown) => ports.failed('', error));
  if (!run || over.aborted) return undefined;
  become({ kind: 'term-found', term: run.term });
  assertNewest(state(), lease);
  const pause = new AbortController();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const runId = run.spec.name;
  become({ kind: 'run-taken', current: { runId, pause, released } });
  return { runId, done: drive(self, run, lease, pause.signal).finally(release) };
}

async function drive(
  { ports, services, drained, become }: Contender,
  run: SavedRun,
  { term, lost }: Leadership,
  pause: AbortSignal,
): Promise<void> {
  try {
    await driveToRest(run, term, ports, services, { drained, pause, lost }, (driven) =>
      become({ kind: 'taken-over', drive: driven }),
    );
  } finally {
    become({ kind: 'run-released' });
  }
}

async function resign({ services, become }: Contender, lease: Leadership): Promise<void> {
  become({ kind: 'resigned' });
  await lease.release();
  await services.broadcasts.endAll(() => undefined);
}

function assertNewest({ newestTerm }: LeadershipState, { term }: Leadership): void {
  if (newestTerm <= term) return;
  const message = `a run was written in term ${newestTerm}, this orchestrator leads in term ${term}`;
  throw new TrikdError('out-of-step', message);
}

/** What ends the event stream of a run when the lease is lost. */
function farewell({ state }: Contender, runId: string): Error | undefined {
  const now = state();
  if (now.kind !== 'driving' || now.current.runId !== runId || !duty(now.drive.view().state)) return undefined;
  return new TrikdError('out-of-step', `another orchestrator drives run ${runId} now`);
}
