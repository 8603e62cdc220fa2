import type { ObjectStore } from '../domain/object-store.js';
import { encodeJson } from './stored/json-object.js';

/** Why a run that has no trio waits, in one word for programs. Those after the first two come from the cluster that makes the trio. */
export const WAIT_REASONS = [
  'WaitingForTrio',
  'QuotaWait',
  'Unschedulable',
  'ImagePull',
  'Starting',
  'Crashing',
  'Preempted',
] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

/** What a run without a trio waits for. */
export interface Wait {
  readonly reason: WaitReason;
  /** One sentence. */
  readonly message: string;
}

/** The place of a run in the queue. */
export interface QueueWait extends Wait {
  /** From 1. */
  readonly position: number;
  /** Number of queued runs. */
  readonly length: number;
}

/** A run that has a trio or waits for one. */
export interface QueueEntry {
  readonly runId: string;
  readonly priority: number;
  /** When it entered the queue, as ISO 8601; an unknown time is before all others. */
  readonly since?: string;
  /** Whose quota it counts against; absent: none. */
  readonly owner?: string;
  /** `leaving`: it has a trio and is about to give it up. */
  readonly standing: 'queued' | 'placed' | 'leaving';
  /** Why a queued run is not placed for the moment; it keeps its position, and takes no trio from the others. */
  readonly heldBack?: string;
}

/** What the queue depends on besides its runs. */
export interface QueueRules {
  /** Runs that can have a trio at once, those that have one included. */
  readonly capacity: number;
  /** Runs of an owner that may have a trio at once; undefined: any number. */
  quotaOf(owner: string): number | undefined;
  /** Whether a run takes the trio of a run with a lower priority. */
  readonly preemption: 'never' | 'lower-priority';
}

export interface Schedule {
  /** Queued runs that get a trio now, in order. */
  readonly place: readonly string[];
  /** Placed runs that give their trio up to a run with a higher priority. */
  readonly preempt: readonly string[];
  /** The place of each queued run. */
  readonly waits: ReadonlyMap<string, QueueWait>;
}

/**
 * Who gets a trio. Runs with a higher priority first, then those that have waited longer, then by name. A run whose owner has reached
 * the quota lets others pass; no other run is ever overtaken by one of its priority.
 */
export function schedule(entries: readonly QueueEntry[], rules: QueueRules): Schedule {
  const queued = entries.filter(({ standing }) => standing === 'queued').toSorted(byTurn);
  const holding = entries.filter(({ standing }) => standing !== 'queued');
  const used = new Map<string, number>();
  const count = ({ owner }: QueueEntry) => owner !== undefined && used.set(owner, (used.get(owner) ?? 0) + 1);
  for (const entry of holding) count(entry);
  let free = Math.max(0, rules.capacity - holding.length);
  // A trio that is about to be given up goes to the next run: nothing more is preempted for that one.
  let leaving = holding.filter(({ standing }) => standing === 'leaving').length;
  const victims =
    rules.preemption === 'never' ? [] : holding.filter(({ standing }) => standing === 'placed').toSorted(byTurn);
  const place: string[] = [];
  const preempt: string[] = [];
  const waits = new Map<string, QueueWait>();
  for (const [index, entry] of queued.entries()) {
    const wait = (reason: WaitReason, why: string) => {
      const [position, length] = [index + 1, queued.length];
      waits.set(entry.runId, { position, length, reason, message: `position ${position} of ${length}: ${why}` });
    };
    const { runId, priority, owner, heldBack } = entry;
    if (heldBack !== undefined) {
      wait('WaitingForTrio', heldBack);
      continue;
    }
    const quota = owner === undefined ? undefined : rules.quotaOf(owner);
    if (owner !== undefined && quota !== undefined && (used.get(owner) ?? 0) >= quota) {
      wait('QuotaWait', `${owner} has as many runs placed as its quota allows: ${quota}`);
      continue;
    }
    const last = victims.at(-1);
    if (free > 0) {
      free -= 1;
      place.push(runId);
      wait('WaitingForTrio', 'it is being placed');
    } else if (leaving > 0) {
      leaving -= 1;
      wait('WaitingForTrio', 'a trio is about to be free');
    } else if (last && last.priority < priority) {
      victims.pop();
      preempt.push(last.runId);
      wait('WaitingForTrio', `run ${last.runId} gives its trio up`);
    } else {
      wait('WaitingForTrio', takenBy(rules.capacity));
      continue;
    }
    count(entry);
  }
  return { place, preempt, waits };
}

function takenBy(capacity: number): string {
  if (capacity === 0) return 'no trio is ready';
  return capacity === 1 ? 'the only trio is taken' : `all ${capacity} trios are taken`;
}

/** Whose turn comes first. */
function byTurn(a: QueueEntry, b: QueueEntry): number {
  return b.priority - a.priority || compare(a.since ?? '', b.since ?? '') || compare(a.runId, b.runId);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

const FOLDER = 'queue/';

/** A marker by which a process tells the leader to look at a run. */
export interface Marker {
  readonly key: string;
  readonly runId: string;
}

/**
 * Tells the leader to look at a run that may wait for a trio. Called before and after the run is written: the first marker survives a
 * process that dies between the two, the second one a leader that looked in between.
 * @param nonce differs from that of every other marker, so that a leader that removes one never removes a later one
 */
export async function announce(store: ObjectStore, runId: string, nonce: string): Promise<void> {
  await store.create(`${FOLDER}${runId}.${nonce}`, encodeJson({ run: runId }));
}

/** The markers that no leader has removed. */
export async function markers(store: ObjectStore): Promise<readonly Marker[]> {
  return (await store.list(FOLDER)).flatMap((key) => {
    const [, runId] = /^queue\/([a-z0-9-]+)\./.exec(key) ?? [];
    return runId === undefined ? [] : [{ key, runId }];
  });
}
