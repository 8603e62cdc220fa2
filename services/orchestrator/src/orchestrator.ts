import { createSerial } from '@trikd/core/async/serial';
import { TrikdError } from '@trikd/core/domain/errors';
import { advance, duty } from '@trikd/core/run/advance';
import { createRun, loadRun, type SavedRun, saveRun } from '@trikd/core/run/run-store';
import type { Steering } from '@trikd/core/run/steering';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type PageWanted, pageOfRuns, type RunPage } from './api/list-runs.js';
import type { EventLog } from './events/event-log.js';
import type { EventPages } from './events/event-pages.js';
import { createStories } from './events/stories.js';
import { watchRun } from './events/watch-run.js';
import { type LeadingPorts, leading } from './leadership/leading.js';
import { rulesOf } from './runs/driven-run.js';
import type { RunView } from './runs/ports.js';
import { removeRun, type SteeringPorts, steerRun } from './runs/steering.js';

/** What an orchestrator works with. */
export interface OrchestratorPorts extends LeadingPorts {
  openLog(runId: string): EventLog;
  openPages(runId: string): Promise<EventPages>;
  /** Called when a run is deleted. */
  removeLog(runId: string): Promise<void>;
}

/** A run to start or to continue. */
export interface Wanted {
  readonly spec: RunSpec;
  /** The same id again does nothing again. */
  readonly requestId?: string;
  /** Leads at once, whoever leads now. */
  readonly takeOver?: boolean;
}

/** Drives runs, one at a time: its trainers train one at a time. Of several orchestrators of one store, one does. */
export interface Orchestrator {
  /** Makes the run of a spec exist, or continues the stored one; the leader drives it. */
  create(wanted: Wanted): Promise<RunView>;
  get(runId: string): Promise<RunView>;
  list(wanted: PageWanted): Promise<RunPage>;
  /**
   * First how things stand, then what happens until the run ends or is drained: events from a number on, or 0: from now on. Every
   * follower gets the same messages, each made once.
   */
  watch(runId: string, from: number, signal: AbortSignal): AsyncIterable<WatchRunResponse>;
  /**
   * Makes a run what somebody wants, the same request once.
   * @throws TrikdError `wrong-state` when the run is in no phase for it or another orchestrator leads, `invalid` as `steer` does
   */
  steer(runId: string, steering: Steering, requestId?: string): Promise<RunView>;
  /** Removes a run that has ended, with all that it has stored. */
  remove(runId: string, requestId?: string): Promise<void>;
  /** Brings the run in hand to rest at a committed pair. Nothing is taken on afterwards. */
  drain(): Promise<void>;
}

/** Removals that are remembered, for those who ask again. */
const REMOVALS = 256;

export function orchestrator(ports: OrchestratorPorts): Orchestrator {
  const { store } = ports;
  const now = () => ports.date().toISOString();
  const stories = createStories(ports);
  const drained = new AbortController();
  const leader = leading(ports, stories, drained.signal);
  let removals: readonly string[] = [];

  const present = (runId: string) => (leader.driven()?.runId === runId ? leader.driven() : undefined);
  /** A run that is not driven here, with what it waits for, if this orchestrator leads and will drive it. */
  const placed = <V extends RunView>(run: V): V => {
    if (run.live || !duty(run.state) || leader.term() === undefined) return run;
    const first = leader.driven()?.runId;
    return { ...run, queued: first === undefined || first === run.spec.name ? {} : { behind: first } };
  };
  const find = async (runId: string): Promise<RunView> => present(runId)?.view() ?? placed(await loadRun(store, runId));

  /** Waits until the run is driven here, or is nobody's duty any more. */
  async function underWay(runId: string, takeOver: boolean): Promise<RunView> {
    for (;;) {
      const here = present(runId);
      if (here) return here.view();
      const run = await loadRun(store, runId);
      if (!duty(run.state) || drained.signal.aborted) return run;
      // Another orchestrator leads: it will find the run.
      if (leader.term() === undefined && !takeOver) return run;
      await leader.news(drained.signal);
    }
  }

  async function create({ spec, requestId, takeOver = false }: Wanted): Promise<RunView> {
    if (drained.signal.aborted) throw new TrikdError('unavailable', 'the orchestrator is shutting down');
    const other = leader.driven()?.runId ?? spec.name;
    if (other !== spec.name) {
      const message = `run ${other} is being trained, and the trainers train one run at a time`;
      throw new TrikdError('wrong-state', message, { run: other });
    }
    const { created, ...run } = await createRun(store, spec, requestId, now());
    const again = !created && requestId !== undefined && run.requests.includes(requestId);
    const here = present(spec.name);
    if (here) return here.view();
    if (run.state.phase === 'failed' && !again) await revive(run, requestId);
    else if (!duty(run.state)) return run;
    leader.ring({ seize: takeOver });
    return underWay(spec.name, takeOver);
  }

  async function revive(run: SavedRun, request: string | undefined): Promise<void> {
    const state = advance(run.state, { kind: 'taken-over' }, rulesOf(run.spec, ports));
    await saveRun(store, run, { state, ...(request !== undefined && { request }), at: now() });
  }

  const steeringPorts: SteeringPorts = { ...ports, ...leader, stories, now, placed };

  // One after the other: two calls at once must not start two drives.
  const commands = createSerial();

  return {
    create: (wanted) => commands.run(() => create(wanted)),
    get: find,
    list: (wanted) => pageOfRuns(store, wanted, find),
    watch: (runId, from, signal) =>
      watchRun({ store, stories, find, placed, news: leader.news, drained: drained.signal }, runId, from, signal),
    steer: (runId, steering, requestId) =>
      commands.run(() =>
        leader.holding(async (term) => {
          await leader.assertAtMost(term, runId);
          return steerRun(steeringPorts, term, { runId, steering, requestId });
        }),
      ),
    remove: (runId, requestId) =>
      commands.run(() =>
        leader.holding(async (term) => {
          const removal = `${runId} ${requestId}`;
          if (requestId !== undefined && removals.includes(removal)) return;
          await leader.assertAtMost(term, runId);
          await leader.rest(runId);
          await removeRun(steeringPorts, term, runId);
          await ports.removeLog(runId);
          removals = [...removals, removal].slice(-REMOVALS);
        }),
      ),
    drain: async () => {
      drained.abort(new TrikdError('unavailable', 'the orchestrator is shutting down'));
      leader.ring();
      await commands.idle();
      await leader.over;
    },
  };
}
