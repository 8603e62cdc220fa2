import { TrikdError } from '@trikd/core/errors';
import { duty, type RunRules } from '@trikd/core/run/advance';
import { collectLeftovers } from '@trikd/core/run/collector';
import { drive } from '@trikd/core/run/drive';
import type { SavedRun } from '@trikd/core/run/run-store';
import { type RunState, resumePair } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec';
import type { EventLog } from './event-log.js';
import { type Hub, hub } from './hub.js';
import { type PerformPorts, perform } from './perform.js';
import type { DutyNews, RunNews, RunView, Stall } from './ports.js';

/** What driving a run needs besides the run. */
export interface DrivenRunPorts extends Omit<PerformPorts, 'spec' | 'term' | 'rules' | 'tell'> {
  /** Attempts that may be lost in a row before a run fails. */
  readonly retries: number;
  readonly keepPairs: number;
  openLog(runId: string): EventLog;
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
  readonly hub: Hub<RunNews>;
  readonly view: () => RunView;
  /** What the orchestrator itself waits for; undefined: it goes on. */
  readonly waits: (on: Stall['on'], reason: string | undefined) => void;
  /** Whether nothing more will be told. */
  readonly over: () => boolean;
  /** Resolves when it is not driven any more, for whatever reason. */
  readonly done: Promise<void>;
}

/** Drives a run until it ends, is drained (`ports.drained`), or belongs to somebody else (`ports.abandoned`). */
export function driveRun(run: SavedRun, ports: DrivenRunPorts): DrivenRun {
  const { spec } = run;
  const log = ports.openLog(spec.name);
  const story = hub<RunNews>();
  let view: RunView = run;
  let over = false;
  const stalls = new Map<string, Stall>();
  const publish = (news: RunNews) => {
    if (over) return;
    log.write(news);
    story.publish(news);
  };
  const tell = (news: DutyNews) => {
    if (news.kind !== 'stalled' && news.kind !== 'went-on') return publish(news);
    const key = `${news.by} on ${news.on}`;
    if (news.kind === 'stalled') stalls.set(key, news);
    else if (!stalls.delete(key)) return;
    view = { ...view, stalls: [...stalls.values()] };
    publish({ kind: 'run', ...view });
  };
  const end = (failure?: Error) => {
    if (over) return;
    if (!failure && duty(view.state)) tell(drainedNews(view.state));
    over = true;
    story.end(failure);
  };
  const abandon = () => end(new TrikdError('out-of-step', `another orchestrator drives run ${spec.name} now`));
  ports.abandoned.addEventListener('abort', abandon, { once: true });

  const rules = rulesOf(spec, ports);
  const duties: PerformPorts = { ...ports, spec, rules, term: run.term, tell };
  const train = async () => {
    try {
      const { state } = await drive(run, {
        store: ports.store,
        rules,
        perform: (todo) => perform(duties, todo),
        changed: ({ state }) => {
          // Who waited in an attempt that is over waits no more; the orchestrator has just been heard of.
          if (state.attempt !== view.state.attempt || state.generation !== view.state.generation) stalls.clear();
          view = { spec, state, stalls: [...stalls.values()] };
          publish({ kind: 'run', ...view });
        },
        drained: AbortSignal.any([ports.drained, ports.abandoned]),
      });
      end();
      if (state.phase === 'completed') await collectLeftovers(ports.store, spec.name, state);
    } catch (error) {
      // A store that stays away while a drained run waits for it ends the drive, not the run.
      const quiet = ports.drained.aborted && error === ports.drained.reason;
      if (!quiet && !over) ports.failed(spec.name, error);
      end(quiet ? undefined : error instanceof Error ? error : new Error(String(error)));
    } finally {
      ports.abandoned.removeEventListener('abort', abandon);
      await log.close();
    }
  };
  publish({ kind: 'run', ...view });
  const done = train();
  const waits: DrivenRun['waits'] = (on, reason) =>
    tell(
      reason === undefined
        ? { kind: 'went-on', by: 'orchestrator', on }
        : { kind: 'stalled', by: 'orchestrator', on, reason },
    );
  return { waits, runId: spec.name, hub: story, view: () => view, over: () => over, done };
}

/** What is told of a run that rests. */
export function drainedNews(state: RunState): RunNews {
  const resumed = 'pairs' in state ? (resumePair(state)?.step ?? 0) : 0;
  const step = state.phase === 'promoting' ? state.outcome.steps : resumed;
  return { kind: 'drained', generation: state.generation, step };
}
