import type { SavedRun } from '@trikd/core/run/run-store';
import type { RunState } from '@trikd/core/run/state';
import { liveView } from './live-view.js';
import type { DutyNews, RunNews, RunView, Stall } from './ports.js';
import type { RunLog } from './run-log.js';
import type { RunRecords } from './run-records.js';

export interface RunReporterPorts {
  readonly records: Pick<RunRecords, 'saved'>;
  readonly log: Pick<RunLog, 'alarm' | 'stalls'>;
  /** Gets what happens in the run. */
  publish(news: RunNews): void;
}

/** Knows the newest of a run that is driven here, and reports each change of it until it is closed. */
export interface RunReporter {
  readonly view: () => RunView;
  readonly report: (news: DutyNews) => void;
  /** The state was saved. */
  readonly saved: (run: SavedRun) => void;
  readonly close: () => void;
  readonly closed: () => boolean;
}

/** Reports the run as it is when the drive begins. @param everySteps as `StepTracing` has it @param now the time of day */
export function createRunReporter(
  run: SavedRun,
  { records, log, publish }: RunReporterPorts,
  everySteps: number,
  now: () => string,
): RunReporter {
  const live = liveView(now);
  let stored = run;
  let stalls: readonly Stall[] = [];
  let closed = false;

  const view = (): RunView => ({ spec: run.spec, state: stored.state, times: stored.times, live: live.view() });
  const logStalls = (present: readonly Stall[]) => {
    log.stalls(stored, stalls, present);
    stalls = present;
  };
  const report = (news: DutyNews) => {
    if (closed) return;
    const changed = live.heard(news);
    logStalls(live.view().stalls);
    if (news.kind === 'alarm') log.alarm(stored, news, everySteps);
    if (news.kind !== 'stalled' && news.kind !== 'went-on') publish(news);
    else if (changed) publish({ kind: 'run', ...view() });
  };
  const saved = (next: SavedRun) => {
    const { state: before } = stored;
    records.saved(stored, next);
    stored = next;
    // Each pair is reported by itself.
    if (onlyPairsChanged(before, next.state)) return;
    if (!sameAttempt(before, next.state)) live.begun();
    report({ kind: 'run', ...view() });
  };
  const close = () => {
    closed = true;
    logStalls([]);
  };

  report({ kind: 'run', ...view() });
  return { view, report, saved, close, closed: () => closed };
}

function onlyPairsChanged(before: RunState, after: RunState): boolean {
  return before.phase === 'training' && after.phase === 'training' && sameAttempt(before, after);
}

function sameAttempt(before: RunState, after: RunState): boolean {
  return before.generation === after.generation && before.attempt === after.attempt;
}
