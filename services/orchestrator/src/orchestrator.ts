import type { Clock } from '@trikd/core/clock';
import { TrikdError } from '@trikd/core/errors';
import type { TrainedRole } from '@trikd/core/position';
import { advance, duty } from '@trikd/core/run/advance';
import { drive } from '@trikd/core/run/drive';
import { createRun, loadRun, type SavedRun, saveRun } from '@trikd/core/run/run-store';
import { type RunState, resumePair } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec';
import type { ObjectStore } from '@trikd/core/store';
import type { EventLog } from './event-log.js';
import { type Hub, hub } from './hub.js';
import { type PerformPorts, perform } from './perform.js';
import type { AnchorLink, RunNews, TrainerLink } from './ports.js';

/** What an orchestrator works with. */
export interface OrchestratorPorts {
  readonly store: ObjectStore;
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
  readonly anchor: AnchorLink;
  readonly times: PerformPorts['times'];
  readonly clock: Clock;
  /** Attempts that may be lost in a row before a run fails. */
  readonly retries: number;
  /** Names the process in manifests. */
  readonly writer: string;
  openLog(runId: string): EventLog;
  /** Told what ended the driving of a run, other than the run's own end. */
  failed(runId: string, error: unknown): void;
}

/** Where a run stands. */
export interface RunView {
  readonly spec: RunSpec;
  readonly state: RunState;
}

/** Drives runs, one at a time: its trainers train one at a time. */
export interface Orchestrator {
  /** Starts the run of a spec, or continues the stored one. */
  create(spec: RunSpec): Promise<RunView>;
  get(runId: string): Promise<RunView>;
  /** First how things stand, then what happens until the run ends or is drained. */
  watch(runId: string, signal: AbortSignal): AsyncIterable<RunNews>;
  /** Brings the run in hand to rest at a committed pair. Nothing is taken on afterwards. */
  drain(): Promise<void>;
}

interface Driven {
  readonly runId: string;
  readonly hub: Hub<RunNews>;
  view: RunView;
  done: Promise<void>;
  over: boolean;
}

export function orchestrator(ports: OrchestratorPorts): Orchestrator {
  const { store } = ports;
  const drained = new AbortController();
  let driven: Driven | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const create = async (spec: RunSpec): Promise<RunView> => {
    if (drained.signal.aborted) throw new TrikdError('unavailable', 'the orchestrator is shutting down');
    if (driven && !driven.over && driven.runId !== spec.name) {
      throw new TrikdError(
        'wrong-state',
        `run ${driven.runId} is being trained, and the trainers train one run at a time`,
      );
    }
    const { created, ...run } = await createRun(store, spec);
    if (driven && !driven.over) return driven.view;
    if (run.state.phase === 'completed') return run;
    driven = start(created ? run : await takeOver(run));
    return driven.view;
  };

  const takeOver = async (run: SavedRun): Promise<SavedRun> => {
    const state = advance(run.state, { kind: 'taken-over' }, { spec: run.spec, retries: ports.retries });
    return state === run.state ? run : saveRun(store, run, state);
  };

  const start = (run: SavedRun): Driven => {
    const { spec } = run;
    const log = ports.openLog(spec.name);
    const story = hub<RunNews>();
    const tell = (news: RunNews) => {
      log.write(news);
      story.publish(news);
    };
    const self: Driven = { runId: spec.name, hub: story, view: run, done: Promise.resolve(), over: false };
    const duties: PerformPorts = { ...ports, spec, drained: drained.signal, tell };
    const changed = (state: RunState) => {
      self.view = { spec, state };
      tell({ kind: 'run', ...self.view });
    };
    const end = async (failure?: Error) => {
      self.over = true;
      const { state } = self.view;
      if (!failure && duty(state)) tell(drainedNews(state));
      story.end(failure);
      await log.close();
    };
    tell({ kind: 'run', ...self.view });
    self.done = drive(run, {
      store,
      rules: { spec, retries: ports.retries },
      perform: (todo) => perform(duties, todo),
      changed,
      drained: drained.signal,
    }).then(
      () => end(),
      (error: unknown) => {
        ports.failed(spec.name, error);
        return end(error instanceof Error ? error : new Error(String(error)));
      },
    );
    return self;
  };

  return {
    create: (spec) => {
      // One after the other: two calls at once must not start two drives.
      const mine = last.then(() => create(spec));
      last = mine.catch(() => undefined);
      return mine;
    },
    get: async (runId) => (driven?.runId === runId && !driven.over ? driven.view : loadRun(store, runId)),
    watch: async function* (runId, signal) {
      if (driven?.runId === runId && !driven.over) {
        // Followed before the first is told, so that nothing falls between the two.
        const { view, hub } = driven;
        const rest = hub.follow(signal);
        yield { kind: 'run', ...view };
        yield* rest;
        return;
      }
      const { spec, state } = await loadRun(store, runId);
      yield { kind: 'run', spec, state };
      if (duty(state)) yield drainedNews(state);
    },
    drain: async () => {
      drained.abort();
      await last;
      await driven?.done;
    },
  };
}

function drainedNews(state: RunState): RunNews {
  const resumed = 'pairs' in state ? (resumePair(state)?.step ?? 0) : 0;
  const step = state.phase === 'promoting' ? state.outcome.steps : resumed;
  return { kind: 'drained', generation: state.generation, step };
}
