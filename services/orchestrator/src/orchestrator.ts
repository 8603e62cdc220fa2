import { createSerial } from '@trikd/core/async/serial';
import { TrikdError } from '@trikd/core/domain/errors';
import { advance } from '@trikd/core/run/advance';
import type { Owner, PlacementRequest } from '@trikd/core/run/placement';
import type { RunEvent } from '@trikd/core/run/run-event';
import { loadRun, type SavedRun } from '@trikd/core/run/run-store';
import { wantsTrio } from '@trikd/core/run/state';
import type { Steering } from '@trikd/core/run/steering';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { Logger } from '@trikd/process/logging';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type PageWanted, pageOfRuns, type RunPage } from './api/list-runs.js';
import { type BroadcastsPorts, createBroadcasts } from './events/broadcasts.js';
import { cachedPages } from './events/event-pages.js';
import { createRunLooks } from './events/run-looks.js';
import { type EventsWanted, watchRun } from './events/watch-run.js';
import { createWatcherLimit } from './events/watcher-limit.js';
import type { CampaignPorts } from './leadership/campaign.js';
import { startLeader } from './leadership/leader.js';
import { createCounters } from './runs/counters.js';
import type { RunView } from './runs/ports.js';
import { rulesOf } from './runs/rules.js';
import { createRunLog } from './runs/run-log.js';
import { createRunRecords } from './runs/run-records.js';
import type { RunServices } from './runs/run-services.js';
import { removeRun, type SteeringPorts, steerRun } from './runs/steering.js';

/** What an orchestrator works with. */
export interface OrchestratorPorts extends CampaignPorts, SteeringPorts, BroadcastsPorts {
  /** Gets a line for each change of a run. */
  readonly log: Pick<Logger, 'info'>;
  /** Makes the counter of a run that is driven here. Default: none is counted. */
  counter?(runId: string): (event: RunEvent) => void;
  /** Open streams of one run, at most. Default: any number. */
  readonly watchersPerRun?: number;
  /** Removes the event file of a run that is deleted. */
  removeFile(runId: string): Promise<void>;
}

/** A run to start or to continue. */
export interface CreateRequest {
  readonly spec: RunSpec;
  /** A request with the same id is done once. */
  readonly requestId?: string;
  /** Takes the lease at once, whichever orchestrator has it. */
  readonly takeOver?: boolean;
  /** Ignored for a run that exists. */
  readonly owner?: Owner;
  /** Ignored for a run that exists. */
  readonly placement?: PlacementRequest;
}

/** Drives runs, one at a time: the trainers train one at a time. Of several orchestrators of a store, one leads. */
export interface Orchestrator {
  /** Creates the run of a spec, or continues the stored one; the leader drives it. */
  create(request: CreateRequest): Promise<RunView>;
  get(runId: string): Promise<RunView>;
  list(wanted: PageWanted): Promise<RunPage>;
  /** A snapshot, then events until the run ends or is drained. All watchers get the same messages, each made once. */
  watch(wanted: EventsWanted, signal: AbortSignal): AsyncIterable<WatchRunResponse>;
  /**
   * Does what is requested of a run; a request with the same id is done once.
   * @throws TrikdError `wrong-state` when the phase of the run does not allow it or another orchestrator leads, `invalid` as `steer` does
   */
  steer(runId: string, steering: Steering, requestId?: string): Promise<RunView>;
  /** Removes a run that has ended, with everything that it has stored. */
  remove(runId: string, requestId?: string): Promise<void>;
  /** Pauses the current run at a committed pair. No other is taken on afterwards. */
  drain(): Promise<void>;
}

/** Removals that are remembered: a repeated request finds no run any more that remembers it. */
const REMOVALS = 256;

export function orchestrator(ports: OrchestratorPorts): Orchestrator {
  const { store } = ports;
  const log = createRunLog(ports.log);
  const pages = cachedPages(store);
  const services: RunServices = {
    log,
    records: createRunRecords(log, ports.date),
    broadcasts: createBroadcasts(ports, pages),
    counters: createCounters(ports.counter ?? (() => () => undefined)),
  };
  const drained = new AbortController();
  const leader = startLeader(ports, services, drained.signal);
  const looks = createRunLooks({ store, placed: leader.placed, news: leader.news, drained: drained.signal });
  const watchers = createWatcherLimit(ports.watchersPerRun ?? Number.POSITIVE_INFINITY);
  // One after the other: two requests at once must not drive a run twice.
  const commands = createSerial();
  let removals: readonly string[] = [];

  const drivenHere = (runId: string) => {
    const drive = leader.driven();
    return drive?.runId === runId ? drive : undefined;
  };
  const find = async (runId: string): Promise<RunView> =>
    drivenHere(runId)?.view() ?? leader.placed(await loadRun(store, runId));

  async function create({ spec, requestId, takeOver = false, owner, placement }: CreateRequest): Promise<RunView> {
    if (drained.signal.aborted) throw new TrikdError('unavailable', 'the orchestrator is shutting down');
    const other = leader.driven()?.runId ?? spec.name;
    if (other !== spec.name) {
      const message = `run ${other} is being trained, and the trainers train one run at a time`;
      throw new TrikdError('wrong-state', message, { run: other });
    }
    const { created, ...run } = await services.records.create(store, spec, {
      ...(requestId !== undefined && { request: requestId }),
      ...(owner && { owner }),
      ...(placement && { placement }),
    });
    const again = !created && requestId !== undefined && run.requests.includes(requestId);
    const here = drivenHere(spec.name);
    if (here) return here.view();
    if (run.state.phase === 'failed' && !again) await revive(run, requestId);
    else if (!wantsTrio(run.state)) return run;
    leader.wake({ seize: takeOver });
    return underWay(spec.name, takeOver);
  }

  async function revive(run: SavedRun, requestId: string | undefined): Promise<void> {
    const state = advance(run.state, { kind: 'taken-over' }, rulesOf(run.spec, ports));
    await services.records.save(store, run, { state, request: { kind: 'created', id: requestId } });
  }

  /** Waits until the run is driven here, has nothing to do, or is left to another orchestrator. */
  async function underWay(runId: string, takeOver: boolean): Promise<RunView> {
    for (;;) {
      const here = drivenHere(runId);
      if (here) return here.view();
      const run = await loadRun(store, runId);
      if (!wantsTrio(run.state) || drained.signal.aborted) return run;
      if (leader.term() === undefined && !takeOver) return run;
      await leader.news(drained.signal);
    }
  }

  async function remove(runId: string, requestId: string | undefined, term: number): Promise<void> {
    const removal = `${runId} ${requestId}`;
    if (requestId !== undefined && removals.includes(removal)) return;
    await leader.assertTerm(term, runId);
    await leader.pause(runId);
    await removeRun(store, services, term, { runId, requestId });
    await ports.removeFile(runId);
    removals = [...removals, removal].slice(-REMOVALS);
  }

  async function steer(runId: string, steering: Steering, requestId: string | undefined, term: number) {
    await leader.assertTerm(term, runId);
    return steerRun(ports, services, leader, term, { runId, steering, requestId });
  }

  return {
    create: (request) => commands.run(() => create(request)),
    get: find,
    list: (wanted) => pageOfRuns(store, wanted, find),
    watch: (wanted, signal) => {
      const { broadcasts } = services;
      const watchPorts = { store, broadcasts, looks, pages, find, drained: drained.signal };
      return watchers.counted(wanted.runId, () => watchRun(watchPorts, wanted, signal));
    },
    steer: (runId, steering, requestId) =>
      commands.run(() => leader.holding((term) => steer(runId, steering, requestId, term))),
    remove: (runId, requestId) => commands.run(() => leader.holding((term) => remove(runId, requestId, term))),
    drain: async () => {
      drained.abort(new TrikdError('unavailable', 'the orchestrator is shutting down'));
      leader.wake();
      await commands.idle();
      await leader.over;
    },
  };
}
