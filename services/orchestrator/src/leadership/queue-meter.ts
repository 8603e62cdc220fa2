import { WAIT_REASONS, type WaitReason } from '@trikd/core/run/queue';
import { DISPLACEMENTS, holdsTrio } from '@trikd/core/run/state';
import type { SavedRun } from '@trikd/core/run/stored/run-store';
import type { RecordMetric } from '@trikd/telemetry/instruments';
import type { TrioStates } from '../placement/placement.js';
import { type IndexedRun, queuedAtOf } from './run-index.js';

/** Measures the queue. */
export interface QueueMeter {
  /** A run was written: by the leader, if it got a trio or lost one. */
  changed(before: SavedRun, after: SavedRun): void;
  /** All runs, as the leader knows them now. */
  looked(
    runs: Iterable<IndexedRun>,
    waitOf: (runId: string) => { readonly reason: WaitReason } | undefined,
    now: Date,
  ): void;
  /** This orchestrator does not lead any more. What a gauge has shown is sent again and again: it has to show 0. */
  resigned(): void;
}

const PRIORITIES = ['low', 'normal', 'high'] as const;

/** A few classes instead of 201 priorities: each combination of attributes costs memory wherever metrics are kept. */
function priorityClass({ placement: { priority } }: Pick<IndexedRun, 'placement'>): (typeof PRIORITIES)[number] {
  if (priority === 0) return 'normal';
  return priority < 0 ? 'low' : 'high';
}

export function queueMeter(record: RecordMetric, trios: () => TrioStates): QueueMeter {
  let hasLed = false;

  const show = (runs: Iterable<IndexedRun>, reasonOf: (runId: string) => WaitReason, now: number) => {
    const counts = new Map(WAIT_REASONS.flatMap((reason) => PRIORITIES.map((each) => [`${reason} ${each}`, 0])));
    const oldest = new Map<WaitReason, number>();
    let [placed, training] = [0, 0];
    for (const run of runs) {
      if (holdsTrio(run)) placed += 1;
      if (run.phase === 'training') training += 1;
      if (run.phase !== 'queued') continue;
      const reason = reasonOf(run.runId);
      const key = `${reason} ${priorityClass(run)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      oldest.set(reason, Math.max(oldest.get(reason) ?? 0, secondsSince(run.queuedAt, now)));
    }
    for (const reason of WAIT_REASONS) {
      const by = { 'trikd.reason': reason };
      record('trikd.queue.oldest', oldest.get(reason) ?? 0, by);
      for (const each of PRIORITIES) {
        record('trikd.runs.queued', counts.get(`${reason} ${each}`) ?? 0, { ...by, 'trikd.priority': each });
      }
    }
    record('trikd.runs.placed', placed);
    record('trikd.training', training);
  };
  const showTrios = (states: TrioStates) => {
    for (const [state, count] of Object.entries(states)) record('trikd.trios', count, { 'trikd.state': state });
  };

  return {
    changed(before, after) {
      if (before.state.phase === 'queued' && holdsTrio(after.state)) {
        const { updated } = after.times;
        if (updated === undefined) return;
        const waited = secondsSince(queuedAtOf(before.times), Date.parse(updated));
        record('trikd.queue.wait', waited, { 'trikd.priority': priorityClass(after) });
      }
      if (holdsTrio(before.state) && after.state.phase === 'queued' && after.state.displaced) {
        record('trikd.displacements', 1, { 'trikd.reason': after.state.displaced.why });
      }
    },
    looked(runs, waitOf, now) {
      // A counter whose first value is its first count shows no increase.
      if (!hasLed) for (const why of DISPLACEMENTS) record('trikd.displacements', 0, { 'trikd.reason': why });
      hasLed = true;
      show(runs, (runId) => waitOf(runId)?.reason ?? 'WaitingForTrio', now.getTime());
      showTrios(trios());
    },
    resigned() {
      if (!hasLed) return;
      show([], () => 'WaitingForTrio', 0);
      showTrios({ taken: 0, ready: 0, draining: 0, away: 0 });
    },
  };
}

/** @param now milliseconds since 1970 */
function secondsSince(time: string | undefined, now: number): number {
  return time === undefined ? 0 : Math.max(0, now - Date.parse(time)) / 1000;
}
