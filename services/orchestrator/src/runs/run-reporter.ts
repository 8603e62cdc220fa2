import { isHalted } from '@trikd/core/run/pace';
import type { RoleProgressed, RunEvent, Stall } from '@trikd/core/run/run-event';
import { changesOnStart, changesSince, type LiveView, type RunView, stalled } from '@trikd/core/run/run-view';
import type { RunState } from '@trikd/core/run/state';
import type { SavedRun } from '@trikd/core/run/stored/run-store';
import type { RunLog, RunRecords } from './run-log.js';

export interface RunReporterPorts {
  readonly records: Pick<RunRecords, 'saved'>;
  readonly log: Pick<RunLog, 'alarm' | 'stalls'>;
  emit(event: RunEvent): void;
}

/**
 * Knows the newest of a run that is driven here, and emits each change of it until it is closed: a snapshot of the view with the events
 * since applied is the view.
 */
export interface RunReporter {
  readonly view: () => RunView;
  readonly emit: (event: RunEvent) => void;
  /** Notes what a process waits for, and why; without a reason, the wait is over. */
  readonly waits: (by: Stall['by'], on: Stall['on'], reason: string | undefined) => void;
  /** The state was saved. */
  readonly saved: (run: SavedRun) => void;
  readonly close: () => void;
  readonly closed: () => boolean;
}

/** Emits the run as it is when the drive begins. @param everySteps as `StepTracing` has it @param now the time of day */
export function createRunReporter(
  run: SavedRun,
  ports: RunReporterPorts,
  everySteps: number,
  now: () => string,
): RunReporter {
  const { records, log } = ports;
  const live = liveView(now);
  let stored = run;
  let stalls: readonly Stall[] = [];
  let closed = false;

  const view = (): RunView => ({ ...stored, live: live.view() });
  const logStalls = (present: readonly Stall[]) => {
    log.stalls(stored, stalls, present);
    stalls = present;
  };
  const emit = (event: RunEvent) => {
    if (closed) return;
    live.note(event);
    if (event.kind === 'alarm') log.alarm(stored, event, everySteps);
    ports.emit(event);
  };
  const waits: RunReporter['waits'] = (by, on, reason) => {
    if (closed || !live.waits(by, on, reason)) return;
    const wasHalted = isHalted(stalls);
    const changed = view();
    const { stalls: present, progress } = live.view();
    logStalls(present);
    emit({ kind: 'stalls-changed', stalls: present, condition: stalled(changed) });
    // Meanwhile the models had no rate: they have the one that they reported last until they report another.
    if (wasHalted && !isHalted(present)) for (const event of Object.values(progress)) emit(event);
  };
  const saved = (next: SavedRun) => {
    const { state: before } = stored;
    records.saved(stored, next);
    stored = next;
    // Each pair has an event of its own.
    if (onlyPairsChanged(before, next.state)) return;
    if (!sameAttempt(before, next.state)) live.begun();
    if (closed) return;
    logStalls(live.view().stalls);
    for (const event of changesSince(before, view())) emit(event);
  };
  const close = () => {
    closed = true;
    logStalls([]);
  };

  for (const event of changesOnStart(view())) emit(event);
  return { view, emit, waits, saved, close, closed: () => closed };
}

function onlyPairsChanged(before: RunState, after: RunState): boolean {
  return before.phase === 'training' && after.phase === 'training' && sameAttempt(before, after);
}

function sameAttempt(before: RunState, after: RunState): boolean {
  return before.stage === after.stage && before.attempt === after.attempt;
}

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
