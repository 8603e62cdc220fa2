import { isHalted } from '@trikd/core/run/pace';
import type { RoleProgressed, RunEvent, Stall } from '@trikd/core/run/run-event';
import type { LiveView } from '@trikd/core/run/run-view';

type ProgressByName = LiveView['progress'];

/** What is known of a run while it is driven: the newest of what has happened. */
export interface LiveSeen {
  readonly note: (event: RunEvent) => void;
  /** Notes what a process waits for, and why; without a reason, the wait is over. Returns whether that changes anything. */
  readonly waits: (by: Stall['by'], on: Stall['on'], reason: string | undefined) => boolean;
  /** Another attempt has begun: what was known of the one before is obsolete. */
  readonly begun: () => void;
  readonly view: () => LiveView;
}

export function liveView(now: () => string): LiveSeen {
  const stalls = new Map<string, Stall>();
  let stalledAt: string | undefined;
  let progress: ProgressByName = {};
  let evaluations: LiveView['evaluations'] = {};
  /** Notes when the first stall begins and when the last one ends. */
  const dated = (change: () => boolean): boolean => {
    const before = stalls.size;
    const changed = change();
    if ((before === 0) !== (stalls.size === 0)) stalledAt = now();
    return changed;
  };
  return {
    note(event) {
      if (event.kind === 'progress') progress = { ...progress, [event.participant]: event };
      if (event.kind === 'evaluation') evaluations = { ...evaluations, [event.participant]: event };
    },
    waits: (by, on, reason) =>
      dated(() => {
        const key = `${by} on ${on}`;
        if (reason === undefined) return stalls.delete(key);
        stalls.set(key, { by, on, reason });
        return true;
      }),
    begun() {
      dated(() => {
        stalls.clear();
        return true;
      });
      progress = {};
      evaluations = {};
    },
    view: () => {
      const present = [...stalls.values()];
      return {
        stalls: present,
        progress: isHalted(present) ? withoutRate(progress) : progress,
        evaluations,
        ...(stalledAt !== undefined && { stalledAt }),
      };
    },
  };
}

/** Keeps the order of the learners, which is part of a snapshot. */
function withoutRate(progress: ProgressByName): ProgressByName {
  const halted = (event: RoleProgressed) => ({ ...event, progress: { ...event.progress, stepsPerSecond: 0 } });
  return Object.fromEntries(Object.entries(progress).map(([name, event]) => [name, halted(event)]));
}
