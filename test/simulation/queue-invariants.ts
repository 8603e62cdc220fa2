import type { Owner, Placement } from '@trikd/core/run/placement';
import { holdsTrio, type RunState } from '@trikd/core/run/state';
import type { QueueSettings } from '../../services/orchestrator/src/leadership/run-queue.js';

/** The record of a run, as the disk has it. */
export interface RunRecord {
  readonly term: number;
  readonly state: RunState;
  readonly placement: Placement;
  readonly owner?: Owner;
}

/** What must hold between runs. */
export interface QueueInvariants {
  changed(runId: string, now: RunRecord): void;
  readonly counts: Record<'runs placed' | 'runs displaced' | 'runs preempted', number>;
}

export interface QueueInvariantsParts {
  readonly queue: Pick<QueueSettings, 'quotaOf' | 'preemption'>;
  /** Whether a cluster preempts runs for reasons of its own, and decides which of them goes first. */
  readonly clustered: boolean;
  /** Whether nothing is disturbed. */
  readonly calm: boolean;
  /** Calls back after so many milliseconds. */
  after(ms: number, happen: () => void): void;
  broken(sentence: string): void;
}

/** Milliseconds within which a leader knows of a run, and those in which it gets a trio for one. */
const KNOWN = 2_500;
const TAKEN = 300;

/** A run in the queue, from when it came until it leaves. */
interface Waiting {
  readonly record: RunRecord;
  /** Whether the leader has had the time to know of it. */
  known: boolean;
}

export function createQueueInvariants({
  queue,
  calm,
  clustered,
  after,
  broken,
}: QueueInvariantsParts): QueueInvariants {
  const records = new Map<string, RunRecord>();
  const waiting = new Map<string, Waiting>();
  const counts = { 'runs placed': 0, 'runs displaced': 0, 'runs preempted': 0 };
  const others = (runId: string) => [...records].filter(([name]) => name !== runId);

  function placed(runId: string, now: RunRecord): void {
    counts['runs placed'] += 1;
    const owner = ownerOf(now);
    const quota = owner === undefined ? undefined : queue.quotaOf(owner);
    const same = others(runId).filter(([, { term }]) => term === now.term);
    const held = same.filter(([, record]) => holdsTrio(record.state) && ownerOf(record) === owner).length;
    if (quota !== undefined && held >= quota)
      broken(`term ${now.term} placed run ${runId} of ${owner}, who had ${held} runs placed; the quota is ${quota}`);
    if (!calm || clustered) return;
    for (const [name, stay] of waiting) {
      if (name === runId || !stay.known || !precedes(stay.record, name, now, runId) || isAtQuota(stay.record)) continue;
      // It may be placed at the same time.
      after(TAKEN, () => {
        if (waiting.get(name) === stay) broken(`run ${runId} was placed before run ${name}, whose turn it was`);
      });
    }
  }

  function isAtQuota(record: RunRecord): boolean {
    const owner = ownerOf(record);
    const quota = owner === undefined ? undefined : queue.quotaOf(owner);
    const held = [...records.values()].filter(({ state, ...rest }) => holdsTrio(state) && ownerOf(rest) === owner);
    return quota !== undefined && held.length >= quota;
  }

  function displaced(runId: string, was: RunState, since: string | undefined, { state, placement }: RunRecord): void {
    const { priority } = placement;
    counts['runs displaced'] += 1;
    // What waits to be judged is not trained again.
    if (was.phase !== 'promoting' && state.attempt !== was.attempt + 1)
      broken(`run ${runId} left attempt ${was.attempt} in the queue as attempt ${state.attempt}`);
    if (placement.since !== since) broken(`run ${runId} was displaced to another place in the queue`);
    if (lossesIn(state) > lossesIn(was)) broken(`run ${runId} was displaced, and that cost it a retry`);
    if (state.phase !== 'queued' || state.displaced?.why !== 'preempted') return;
    counts['runs preempted'] += 1;
    if (clustered) return;
    if (queue.preemption === 'never') broken(`run ${runId} was preempted, and no run may be`);
    if (!others(runId).some(([, other]) => other.placement.priority > priority))
      broken(`run ${runId} was preempted, and no run has a higher priority`);
  }

  function changed(runId: string, now: RunRecord): void {
    const before = records.get(runId);
    records.set(runId, now);
    const was = before && holdsTrio(before.state) ? before.state : undefined;
    const has = holdsTrio(now.state);
    const { trio } = now.placement;
    const rival = others(runId).find(
      ([, { term, state, placement }]) => term === now.term && holdsTrio(state) && placement.trio === trio,
    );
    if (has && trio === undefined) broken(`run ${runId} is ${now.state.phase} without a trio`);
    if (has && rival) broken(`runs ${rival[0]} and ${runId} have ${trio} in term ${now.term}`);
    if (now.state.phase !== 'queued') waiting.delete(runId);
    if (was && now.state.phase === 'queued') displaced(runId, was, before?.placement.since, now);
    if (!was && has) placed(runId, now);
    if (now.state.phase === 'queued' && !waiting.has(runId)) {
      const stay = { record: now, known: false };
      waiting.set(runId, stay);
      if (calm) {
        after(KNOWN, () => {
          stay.known = true;
        });
      }
    }
  }

  return { changed, counts };
}

/** Whose quota a run counts against. */
function ownerOf({ owner }: Pick<RunRecord, 'owner'>): string | undefined {
  return owner && (owner.team ?? owner.subject);
}

function lossesIn(state: RunState): number {
  return 'losses' in state ? state.losses : 0;
}

/** Whether the turn of one run is before that of another: a run that waits keeps its place. */
function precedes(a: RunRecord, nameOfA: string, b: RunRecord, nameOfB: string): boolean {
  const priority = a.placement.priority - b.placement.priority;
  if (priority !== 0) return priority > 0;
  const [since, other] = [a.placement.since ?? '', b.placement.since ?? ''];
  return since === other ? nameOfA < nameOfB : since < other;
}
