import type { Clock } from '@trikd/core/async/clock';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { duty } from '@trikd/core/run/advance';
import { markers } from '@trikd/core/run/queue';
import { holdsTrio, wantsTrio } from '@trikd/core/run/state';
import type { Candidate, Leadership } from '@trikd/core/run/stored/lease';
import type { SavedRun } from '@trikd/core/run/stored/run-store';
import type { RunServices } from '../runs/run-services.js';
import { displacement } from '../runs/trio-watch.js';
import { claimOf, type HoldTrioPorts, holdTrio } from './hold-trio.js';
import type { QueueMeter } from './queue-meter.js';
import type { Found, RunIndex, RunReader } from './run-index.js';
import type { QueueSettings, RunQueue } from './run-queue.js';
import { currentOf, driveOf, type LeadershipEvent, type LeadershipState, rosterOf } from './state.js';

export interface CampaignPorts extends HoldTrioPorts {
  readonly candidate: Candidate;
  readonly queue: QueueSettings;
  /** Seconds between two looks at the store for what other orchestrators have written. */
  readonly look: number;
  /** Measures the queue, while this orchestrator leads. Default: it is not measured. */
  readonly queueMeter?: QueueMeter;
  /** Gets the term in which this orchestrator leads, when it is elected, and undefined as soon as it has to give the lead up. */
  leads?(term: number | undefined): void;
  /** Gets what keeps a run from being driven here; an empty `runId`: any run. */
  failed(runId: string, error: unknown): void;
}

/** Times in a row that the record of a run that may have a trio is read in vain, before others get the trio. */
const UNREADABLE = 5;

/** One orchestrator in the election. */
export interface Contender {
  readonly ports: CampaignPorts;
  readonly services: RunServices;
  /** Aborts when the current runs are to rest and no other is to be taken on. */
  readonly drained: AbortSignal;
  readonly reader: RunReader;
  readonly index: RunIndex;
  readonly queue: RunQueue;
  readonly state: () => LeadershipState;
  readonly become: (event: LeadershipEvent) => void;
  /** Decide anew who gets a trio. */
  readonly wake: () => void;
  /** Resolves when there may be something to decide. */
  readonly news: (signal: AbortSignal) => Promise<void>;
}

/** Leads whenever it is elected. Resolves after the drain, when the lease is released. */
export async function campaign(self: Contender): Promise<void> {
  const { ports, drained, state, become } = self;
  while (!drained.aborted) {
    try {
      const lease = await ports.candidate.campaign(drained, state().newestTerm);
      self.index.clear();
      self.queue.allKnown();
      become({ kind: 'elected', lease });
      const over = AbortSignal.any([lease.lost, drained]);
      ports.leads?.(lease.term);
      over.addEventListener('abort', () => ports.leads?.(undefined), { once: true });
      try {
        await lead(self, lease, over);
      } finally {
        ports.leads?.(undefined);
        await resign(self, lease);
      }
    } catch (error) {
      if (drained.aborted) return;
      ports.failed('', error);
      await ports.clock.sleep(1000 * ports.look, drained).catch(() => undefined);
    }
  }
}

/**
 * Takes on each run whose turn it is, until the lead is over.
 * @throws TrikdError `out-of-step` when the term has to be above that of a run
 */
async function lead(self: Contender, lease: Leadership, over: AbortSignal): Promise<void> {
  const { ports, services, reader, index, queue, state, become, news } = self;
  lease.lost.addEventListener('abort', () => void services.broadcasts.endAll((runId) => farewell(self, runId)), {
    once: true,
  });
  const found: Found = (run) => {
    if (run.term > lease.term) become({ kind: 'term-found', term: run.term });
    index.note(run);
  };
  const look = createAnnounced({
    store: ports.store,
    clock: ports.clock,
    read: reader.read,
    found,
    confirm: lease.confirm,
  });
  const isRead = await readAll(self, found, over);
  if (!isRead) return;
  void heed(self, over);
  let lookedAt = Number.NEGATIVE_INFINITY;
  while (!over.aborted) {
    assertNewest(state(), lease);
    const isDue = ports.clock.now() - lookedAt >= 1000 * ports.look;
    if (isDue) {
      lookedAt = ports.clock.now();
      await look().catch((error: unknown) => ports.failed('', error));
      await findClaims(self);
      for (const runId of reader.unreadable()) if (!queue.setbacks.pausing(runId)) await readAgain(self, runId, found);
      assertNewest(state(), lease);
      if (over.aborted) return;
    }
    decide(self, lease);
    if (isDue) ports.queueMeter?.looked(index.wanting(), queue.waitOf, ports.date());
    await news(over);
  }
}

/** Reads all runs, and what is claimed for them, however long the store is away. Whether it succeeded before the lead was over. */
async function readAll(self: Contender, found: Found, over: AbortSignal): Promise<boolean> {
  const { ports, reader } = self;
  while (!over.aborted) {
    try {
      await reader.readAll(over, found);
      await findClaims(self);
      return !over.aborted;
    } catch (error) {
      ports.failed('', error);
      await ports.clock.sleep(1000 * ports.look, over).catch(() => undefined);
    }
  }
  return false;
}

/** A leader that was replaced may have made a claim since the last look. Of a run that cannot be read, nobody knows what it needs. */
async function findClaims({ ports: { placement }, queue, reader }: Contender): Promise<void> {
  const unreadable = reader.unreadable();
  for (const claim of await placement.list()) if (!unreadable.includes(claim.runId)) queue.claimed(claim);
}

async function readAgain({ reader, queue, ports }: Contender, runId: string, found: Found): Promise<void> {
  queue.setbacks.failed(runId);
  const run = await reader.read(runId).catch((error: unknown) => ports.failed(runId, error));
  if (!run) return;
  queue.setbacks.cleared(runId);
  found(run);
}

/** A trio that is free, or is not any more, is something to decide. */
async function heed({ ports: { placement }, wake }: Contender, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await placement.news(over);
    wake();
  }
}

/** Takes on the runs whose turn it is, and lets others go. */
function decide(self: Contender, lease: Leadership): void {
  const { queue, state } = self;
  queue.releaseUnneeded();
  const { take, preempt } = queue.decide();
  for (const runId of preempt) {
    const message = 'a run with a higher priority took the trio';
    currentOf(state(), runId)?.stop.abort(displacement({ why: 'preempted', message }));
  }
  for (const runId of take) takeOn(self, lease, runId);
}

/** Takes a run on. Its drive goes on when this returns; a run that cannot be taken on is left alone for a while. */
function takeOn(self: Contender, lease: Leadership, runId: string): void {
  const { ports, queue, become } = self;
  const stop = new AbortController();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  become({ kind: 'run-taken', current: { runId, stop, released } });
  drive(self, lease, runId, stop)
    .then(
      () => queue.setbacks.cleared(runId),
      (error: unknown) => {
        queue.setbacks.failed(runId);
        ports.failed(runId, error);
      },
    )
    .finally(() => {
      become({ kind: 'run-released', runId });
      release();
    });
}

async function drive(self: Contender, lease: Leadership, runId: string, stop: AbortController): Promise<void> {
  const { ports, services, drained, reader, index, queue, become, state } = self;
  // Nobody else gets the trio of a run that is only read.
  const known = index.get(runId);
  if (known?.placement.trio !== undefined && holdsTrio(known)) {
    const claim = claimOf({ runId, placement: known.placement });
    queue.claimed(claim);
    const left = AbortSignal.any([drained, stop.signal, lease.lost]);
    await ports.placement.acquire(claim, left).catch(() => undefined);
  }
  const run = await reader.read(runId);
  if (!run) {
    // A record that cannot be read may name the trio. One that stays so is looked at again, and the others get the trio.
    const isThere = reader.unreadable().includes(runId);
    if (isThere && queue.mayHold(runId) && queue.setbacks.count(runId) < UNREADABLE)
      throw new TrikdError('corrupt', `run ${runId} cannot be read at the moment, and keeps its trio until it is`);
    queue.known(runId);
    return index.forget(runId);
  }
  queue.known(runId);
  become({ kind: 'term-found', term: run.term });
  assertNewest(state(), lease);
  index.note(run);
  // What is known of it may be old: its last write may have failed, or have succeeded although it seemed to fail.
  if (!wantsTrio(run.state)) return;
  const { term, lost } = lease;
  try {
    await holdTrio(run, ports, services, {
      ...{ term, lost, drained, stop },
      claimed: queue.claimed,
      takenOver: (driven) => become({ kind: 'taken-over', drive: driven }),
    });
  } catch (error) {
    queue.doubted(runId);
    throw error;
  }
}

/** Lets all runs come to rest, and gives the lease up. */
async function resign({ ports, services, state, become }: Contender, lease: Leadership): Promise<void> {
  ports.queueMeter?.resigned();
  const reason = new TrikdError('out-of-step', `term ${lease.term} is over`);
  const roster = rosterOf(state());
  for (const { stop } of roster) stop.abort(reason);
  await Promise.all(roster.map(({ released }) => released));
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
  const drive = driveOf(state(), runId);
  if (!drive || !duty(drive.view().state)) return undefined;
  return new TrikdError('out-of-step', `another orchestrator drives run ${runId} now`);
}

/** Milliseconds that the marker of a run is kept that may still be written as queued. */
const KEPT = 60_000;

export interface AnnouncedPorts {
  readonly store: ObjectStore;
  readonly clock: Pick<Clock, 'now'>;
  /** Reads a run. */
  read(runId: string): Promise<SavedRun | undefined>;
  /** Gets each run that was announced. */
  found(run: SavedRun): void;
  /** Whether this process still leads, as the store has it. */
  confirm(): Promise<boolean>;
}

/**
 * Looks for runs that were announced. A marker is removed only when this process was seen to lead after it had read the run: a process
 * that leads later reads all runs, and one that does not know that it was replaced removes nothing.
 * @throws TrikdError `unavailable`
 */
function createAnnounced({ store, clock, read, found, confirm }: AnnouncedPorts): () => Promise<void> {
  let seen: ReadonlyMap<string, number> = new Map();
  return async () => {
    const present = await markers(store);
    if (present.length === 0) return;
    const kept = new Map<string, number>();
    const over: string[] = [];
    const runs = new Map<string, SavedRun | undefined>();
    for (const { key, runId } of present) {
      if (!runs.has(runId)) runs.set(runId, await read(runId));
      const run = runs.get(runId);
      if (run) found(run);
      const since = seen.get(key) ?? clock.now();
      if (!mayBeQueued(run) || clock.now() - since >= KEPT) over.push(key);
      else kept.set(key, since);
    }
    seen = kept;
    if (over.length === 0 || !(await confirm())) return;
    for (const key of over) await store.remove(key);
  };
}

/** Whether the write that a marker announces may be to come. */
function mayBeQueued(run: SavedRun | undefined): boolean {
  const phase = run?.state.phase;
  return phase === undefined || phase === 'failed' || phase === 'paused' || phase === 'waiting';
}
