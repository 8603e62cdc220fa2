import type { Clock } from '@trikd/core/async/clock';
import {
  type QueueEntry,
  type QueueRules,
  type QueueWait,
  type Schedule,
  schedule,
  type Wait,
} from '@trikd/core/run/queue';
import { holdsTrio, wantsTrio } from '@trikd/core/run/state';
import { type Claim, claimKey, type Placement } from '../placement/placement.js';
import type { IndexedRun, RunIndex } from './run-index.js';
import { currentOf, type LeadershipState, rosterOf } from './state.js';

export interface RunQueuePorts {
  readonly clock: Pick<Clock, 'now'>;
  readonly placement: Placement;
  readonly queue: QueueSettings;
  readonly index: RunIndex;
  readonly state: () => LeadershipState;
  /** Whether a run is being steered: it is not taken meanwhile. */
  readonly steered: (runId: string) => boolean;
  failed(runId: string, error: unknown): void;
}

/** Who gets a trio, while this orchestrator leads. */
export interface RunQueue {
  /** Decides anew. `take`: runs to take on, those first that have a trio already. `preempt`: runs that have to give theirs up. */
  decide(): { readonly take: readonly string[]; readonly preempt: readonly string[] };
  /** What the placement of a run waits for, or its place in the queue at the last decision. */
  waitOf(runId: string): QueueWait | Wait | undefined;
  /** What is known of a run may be old: its last write failed, and may have taken effect. Until its record is read, it keeps its trio. */
  doubted(runId: string): void;
  /** The record of a run was read. */
  known(runId: string): void;
  /** Another term: all records are read. */
  allKnown(): void;
  /** Whether a run has a trio, or may have one. */
  mayHold(runId: string): boolean;
  /** A claim was made, or found. */
  claimed(claim: Claim): void;
  /** Releases the claims of runs that need no trio. */
  releaseUnneeded(): void;
  readonly setbacks: Setbacks;
}

export function createRunQueue(ports: RunQueuePorts): RunQueue {
  const { clock, placement, queue, index, state, steered, failed } = ports;
  const setbacks = createSetbacks(clock);
  /** By run and number: a run may have a claim to the trio that it leaves, and one to the next. */
  const claims = new Map<string, Claim>();
  const doubtful = new Set<string>();
  const mayHold = (run: IndexedRun) => holdsTrio(run) || doubtful.has(run.runId);
  const isNeeded = ({ runId, number }: Claim): boolean => {
    const run = index.get(runId);
    if (!run || run.placement.number > number) return false;
    return mayHold(run) || currentOf(state(), runId) !== undefined;
  };
  let waits: Schedule['waits'] = new Map();

  const entryOf = ({ runId, phase, placement: { priority, since }, owner }: IndexedRun): QueueEntry | undefined => {
    const current = currentOf(state(), runId);
    if (!current && !wantsTrio({ phase })) return undefined;
    const holds = current?.stop.signal.aborted ? 'leaving' : 'placed';
    const standing = !current && phase === 'queued' && !doubtful.has(runId) ? 'queued' : holds;
    return {
      ...{ runId, priority, standing },
      ...(since !== undefined && { since }),
      ...(owner !== undefined && { owner }),
      ...(setbacks.pausing(runId) && { heldBack: 'it could not be taken on; the log of the orchestrator says why' }),
    };
  };

  return {
    decide() {
      const entries: QueueEntry[] = [];
      const left: string[] = [];
      // A run that has ended has its trio until it is released.
      const ending = rosterOf(state()).flatMap(({ runId }) => index.get(runId) ?? []);
      for (const run of new Set([...index.wanting(), ...ending])) {
        const entry = entryOf(run);
        if (entry) entries.push(entry);
        const isTaken = currentOf(state(), run.runId) !== undefined;
        if (mayHold(run) && !isTaken && !setbacks.pausing(run.runId)) left.push(run.runId);
      }
      const { preemption, quotaOf } = queue;
      const plan = schedule(entries, { capacity: placement.capacity(), quotaOf, preemption });
      ({ waits } = plan);
      const take = [...left, ...plan.place].filter((runId) => !steered(runId));
      return { take, preempt: plan.preempt };
    },
    waitOf(runId) {
      const run = index.get(runId);
      const claim = run && claims.get(claimKey({ runId, number: run.placement.number }));
      return (claim && currentOf(state(), runId) && placement.pending(claim)) ?? waits.get(runId);
    },
    doubted: (runId) => void doubtful.add(runId),
    known: (runId) => void doubtful.delete(runId),
    allKnown: () => doubtful.clear(),
    mayHold(runId) {
      const run = index.get(runId);
      return run !== undefined && mayHold(run);
    },
    claimed: (claim) => void claims.set(claimKey(claim), claim),
    releaseUnneeded() {
      for (const claim of claims.values()) {
        if (isNeeded(claim)) continue;
        claims.delete(claimKey(claim));
        placement.release(claim).catch((error: unknown) => failed(claim.runId, error));
      }
    },
    setbacks,
  };
}

/** What the configuration says about the queue. */
export interface QueueSettings extends Omit<QueueRules, 'capacity'> {
  /** Queued runs of an owner, at most. */
  readonly maxQueuedPerOwner: number;
}

/** Every run waits for its turn, and no owner has a quota. */
export const OPEN_QUEUE: QueueSettings = {
  quotaOf: () => undefined,
  preemption: 'never',
  maxQueuedPerOwner: Number.POSITIVE_INFINITY,
};

/** Runs that could not be taken on, each with a pause before the next try that grows with every failure. */
interface Setbacks {
  failed(runId: string): void;
  /** The run was taken on. */
  cleared(runId: string): void;
  /** Failures in a row. */
  count(runId: string): number;
  /** Whether the run is left alone for now. */
  pausing(runId: string): boolean;
}

/** Seconds. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 30;

function createSetbacks(clock: Pick<Clock, 'now'>): Setbacks {
  const setbacks = new Map<string, { readonly until: number; readonly count: number }>();
  return {
    failed(runId) {
      const count = (setbacks.get(runId)?.count ?? 0) + 1;
      const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (count - 1));
      setbacks.set(runId, { count, until: clock.now() + 1000 * pause });
    },
    cleared: (runId) => void setbacks.delete(runId),
    count: (runId) => setbacks.get(runId)?.count ?? 0,
    pausing: (runId) => (setbacks.get(runId)?.until ?? Number.NEGATIVE_INFINITY) > clock.now(),
  };
}
