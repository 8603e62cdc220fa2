import type { RunRules } from '@trikd/core/run/advance';
import { collectLeftovers } from '@trikd/core/run/collector';
import { drive } from '@trikd/core/run/drive';
import type { SavedRun } from '@trikd/core/run/run-store';
import { type RunState, resumePair } from '@trikd/core/run/state';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { seedOf } from '@trikd/core/timing/trace-ids';
import { liveView } from './live-view.js';
import { type PerformPorts, perform } from './perform.js';
import type { DutyNews, RunNews, RunView, Stall } from './ports.js';

/** What driving a run needs besides the run. */
export interface DrivenRunPorts extends Omit<PerformPorts, 'spec' | 'term' | 'rules' | 'tell' | 'tracing'> {
  /** Steps whose number it divides are traced; 0: none are. */
  readonly everySteps?: number;
  /** Attempts that may be lost in a row before a run fails. */
  readonly retries: number;
  readonly keepPairs: number;
  /** Gets what happens. */
  publish(news: RunNews): void;
  /** The time of day, as ISO 8601 in UTC. */
  now(): string;
  /** Told what ended the driving of a run, other than the run's own end. */
  failed(runId: string, error: unknown): void;
}

/** The rules of a run, as this orchestrator is configured. */
export function rulesOf(
  spec: RunSpec,
  { retries, keepPairs }: Pick<DrivenRunPorts, 'retries' | 'keepPairs'>,
): RunRules {
  return { spec, retries, keepPairs };
}

/** A run that is driven here. */
export interface DrivenRun {
  readonly runId: string;
  readonly view: () => RunView;
  /** What the orchestrator itself waits for; undefined: it goes on. */
  readonly waits: (on: Stall['on'], reason: string | undefined) => void;
  /** Whether nothing more will be told. */
  readonly over: () => boolean;
  /** Resolves when it is not driven any more, with what went wrong if it was not the run that ended or came to rest. */
  readonly done: Promise<Error | undefined>;
}

/** Drives a run until it ends, comes to rest (`ports.drained`), or belongs to somebody else (`ports.abandoned`). */
export function driveRun(run: SavedRun, ports: DrivenRunPorts): DrivenRun {
  const { spec } = run;
  const seen = liveView(ports.now);
  let stored = run;
  let over = false;
  const view = (): RunView => ({ spec, state: stored.state, times: stored.times, live: seen.view() });
  const tell = (news: DutyNews) => {
    if (over) return;
    const changed = seen.heard(news);
    if (news.kind !== 'stalled' && news.kind !== 'went-on') ports.publish(news);
    else if (changed) ports.publish({ kind: 'run', ...view() });
  };
  const abandon = () => {
    over = true;
  };
  ports.abandoned.addEventListener('abort', abandon, { once: true });

  const rules = rulesOf(spec, ports);
  const tracing = { seed: seedOf(spec.name, run.times.created ?? specDigest(spec)), everySteps: ports.everySteps ?? 0 };
  const duties: PerformPorts = { ...ports, spec, rules, term: run.term, tell, tracing };
  const train = async (): Promise<Error | undefined> => {
    try {
      const { state } = await drive(run, {
        store: ports.store,
        rules,
        perform: (todo) => perform(duties, todo),
        changed: (saved) => {
          const before = stored.state;
          stored = saved;
          if (pairOnly(before, saved.state)) return;
          if (!sameAttempt(before, saved.state)) seen.begun();
          tell({ kind: 'run', ...view() });
        },
        now: ports.now,
        drained: AbortSignal.any([ports.drained, ports.abandoned]),
      });
      over = true;
      if (state.phase === 'completed') await collectLeftovers(ports.store, spec.name, state);
      return undefined;
    } catch (error) {
      // A store that stays away while a drained run waits for it ends the drive, not the run.
      const quiet = ports.drained.aborted && error === ports.drained.reason;
      if (!quiet && !over) ports.failed(spec.name, error);
      over = true;
      if (quiet) return undefined;
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      ports.abandoned.removeEventListener('abort', abandon);
    }
  };
  tell({ kind: 'run', ...view() });
  const done = train();
  const waits: DrivenRun['waits'] = (on, reason) =>
    tell(
      reason === undefined
        ? { kind: 'went-on', by: 'orchestrator', on }
        : { kind: 'stalled', by: 'orchestrator', on, reason },
    );
  return { waits, runId: spec.name, view, over: () => over, done };
}

/** Whether all that has changed is which pairs there are. That is told by itself, with each pair. */
function pairOnly(before: RunState, after: RunState): boolean {
  return before.phase === 'training' && after.phase === 'training' && sameAttempt(before, after);
}

function sameAttempt(before: RunState, after: RunState): boolean {
  return before.generation === after.generation && before.attempt === after.attempt;
}

/** What is told of a run that rests. */
export function drainedNews(state: RunState): RunNews {
  const resumed = 'pairs' in state ? (resumePair(state)?.step ?? 0) : 0;
  const step = state.phase === 'promoting' ? state.outcome.steps : resumed;
  return { kind: 'drained', generation: state.generation, step };
}
