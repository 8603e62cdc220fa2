import { createLanes } from '@trikd/core/async/serial';
import { type BlobItem, type BlobRange, readBlob } from '@trikd/core/checkpoint/blobs';
import { TrikdError, undefinedIfAbsent } from '@trikd/core/domain/errors';
import { advance } from '@trikd/core/run/advance';
import type { Owner, PlacementRequest } from '@trikd/core/run/placement';
import { announce } from '@trikd/core/run/queue';
import type { RunEvent } from '@trikd/core/run/run-event';
import type { RunView } from '@trikd/core/run/run-view';
import { wantsTrio } from '@trikd/core/run/state';
import { loadRun, type SavedRun } from '@trikd/core/run/stored/run-store';
import { changeTags, readTags, type TagChange } from '@trikd/core/run/stored/tags';
import type { Steering } from '@trikd/core/run/verbs';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { Logger } from '@trikd/process/logging';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type CheckpointList, createRunPages, listCheckpoints, type RunPages } from './api/list-runs.js';
import { type BroadcastsPorts, createBroadcasts } from './events/broadcasts.js';
import { cachedPages } from './events/event-pages.js';
import { createRunLooks, createWatcherLimit, type EventsWanted, watchRun } from './events/watch-run.js';
import type { CampaignPorts } from './leadership/campaign.js';
import { startLeader } from './leadership/leader.js';
import { createRunIndex, ownerKey } from './leadership/run-index.js';
import { createRunLog, createRunRecords } from './runs/run-log.js';
import type { RunServices } from './runs/run-services.js';
import { createCounters, rulesOf } from './runs/run-services.js';
import { removeRun, type SteeringPorts, steerRun } from './runs/steering.js';

/** What an orchestrator works with. */
export interface OrchestratorPorts extends CampaignPorts, SteeringPorts, BroadcastsPorts {
  /** Gets a line for each change of a run. */
  readonly log: Pick<Logger, 'info'>;
  /** Makes the counter of a run that is driven here. Default: none is counted. */
  counter?(runId: string): (event: RunEvent) => void;
  /** Open streams of one run, at most. Default: any number. */
  readonly watchersPerRun?: number;
  /** A text that no other process makes, for the keys of markers. */
  nonce(): string;
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

/** Drives any number of runs, each on a trio of its own. Of several orchestrators of a store, one leads. */
export interface Orchestrator extends RunPages {
  /** It shows runs and refuses every command. Absent: it takes commands. */
  readonly viewOnly?: true;
  /** Creates the run of a spec, or continues the stored one. It is queued when this resolves; the leader places and drives it. */
  create(request: CreateRequest): Promise<RunView>;
  get(runId: string): Promise<RunView>;
  /** The tags of a run, sorted. */
  tags(runId: string): Promise<readonly string[]>;
  /** Changes the tags of a run, whichever orchestrator leads, and resolves with all of them. @throws TrikdError as `changeTags` does */
  tag(runId: string, change: TagChange): Promise<readonly string[]>;
  /** The newest checkpoints that a run needs. */
  checkpoints(runId: string): Promise<CheckpointList>;
  /** The size of a blob of a run, then its bytes from an offset on. @throws TrikdError as `readBlob` does */
  blob(runId: string, key: string, range: BlobRange): AsyncIterable<BlobItem>;
  /** A snapshot, then events until the run ends or is drained. All watchers get the same messages, each made once. */
  watch(wanted: EventsWanted, signal: AbortSignal): AsyncIterable<WatchRunResponse>;
  /**
   * Does what is requested of a run; a request with the same id is done once.
   * @throws TrikdError `wrong-state` when the phase of the run does not allow it or another orchestrator leads, `invalid` as `steer` does
   */
  steer(runId: string, steering: Steering, requestId?: string): Promise<RunView>;
  /** Removes a run that has ended, with everything that it has stored. */
  remove(runId: string, requestId?: string): Promise<void>;
  /** Brings all current runs to rest at committed pairs. No other is taken on afterwards. */
  drain(): Promise<void>;
}

/** Commands of one run; those of another do not wait for them. */
const COMMANDS = { name: 'commands of a run', most: 16, seconds: 60 };

/** Removals that are remembered: a repeated request finds no run any more that remembers it. */
const REMOVALS = 256;

export function orchestrator(ports: OrchestratorPorts): Orchestrator {
  const { store } = ports;
  const log = createRunLog(ports.log);
  const pages = cachedPages(store);
  const index = createRunIndex(() => leader.wake());
  const services: RunServices = {
    log,
    records: createRunRecords(log, ports.date, index, ports.queueMeter?.changed),
    broadcasts: createBroadcasts(ports, pages),
    counters: createCounters(ports.counter ?? (() => () => undefined)),
  };
  const drained = new AbortController();
  const commands = createLanes(COMMANDS, ports.clock);
  const leader = startLeader(ports, services, index, commands.busy, drained.signal);
  const looks = createRunLooks({ store, inQueue: leader.inQueue, news: leader.news, drained: drained.signal });
  const watchers = createWatcherLimit(ports.watchersPerRun ?? Number.POSITIVE_INFINITY);
  let removals: readonly string[] = [];

  const find = async (runId: string): Promise<RunView> =>
    leader.driven(runId)?.view() ?? leader.inQueue(await loadRun(store, runId));

  const pagesOfRuns = createRunPages({ store, find, isDriven: (runId) => leader.driven(runId) !== undefined });

  async function create(request: CreateRequest): Promise<RunView> {
    if (drained.signal.aborted) throw new TrikdError('unavailable', 'the orchestrator is shutting down');
    const { spec, requestId, takeOver = false, owner, placement } = request;
    const runId = spec.name;
    const stored = await loadRun(store, runId).catch(undefinedIfAbsent);
    if (!stored) ports.placement.assertPossible(placement ?? {});
    if (!stored) assertRoom(owner);
    const mayWait = !stored || wantsTrio(stored.state) || stored.state.phase === 'failed';
    if (mayWait) await announce(store, runId, ports.nonce());
    const { created, ...run } = await services.records.create(store, spec, {
      ...(requestId !== undefined && { request: requestId }),
      ...(owner && { owner }),
      ...(placement && { placement }),
    });
    const again = !created && requestId !== undefined && run.requests.includes(requestId);
    const revived = run.state.phase === 'failed' && !again ? await revive(run, requestId) : run;
    if (!wantsTrio(revived.state)) return revived;
    await announce(store, runId, ports.nonce());
    leader.wake({ seize: takeOver });
    return leader.driven(runId)?.view() ?? leader.inQueue(revived);
  }

  async function revive(run: SavedRun, requestId: string | undefined): Promise<SavedRun> {
    const state = advance(run.state, { kind: 'taken-over' }, rulesOf(run.spec, ports));
    return services.records.save(store, run, { state, request: { kind: 'created', id: requestId } });
  }

  /** Only the leader knows how many runs wait. @throws TrikdError `exhausted` */
  function assertRoom(owner: Owner | undefined): void {
    const key = ownerKey(owner);
    const { maxQueuedPerOwner } = ports.queue;
    if (key === undefined || leader.term() === undefined) return;
    const queued = index.queuedOf(key);
    if (queued < maxQueuedPerOwner) return;
    const message = `${key} has ${queued} queued runs, and queue.maxQueuedPerOwner is ${maxQueuedPerOwner}`;
    throw new TrikdError('exhausted', `${message}: cancel one, or wait until one is placed`);
  }

  async function remove(runId: string, requestId: string | undefined): Promise<void> {
    const term = await leader.leading();
    const removal = `${runId} ${requestId}`;
    if (requestId !== undefined && removals.includes(removal)) return;
    await leader.assertTerm(term, runId);
    await leader.pause(runId);
    await removeRun(store, services, term, { runId, requestId });
    await ports.removeFile(runId);
    removals = [...removals, removal].slice(-REMOVALS);
  }

  async function steer(runId: string, steering: Steering, requestId: string | undefined): Promise<RunView> {
    const term = await leader.leading();
    await leader.assertTerm(term, runId);
    return steerRun(ports, services, leader, term, { runId, steering, requestId });
  }

  /** One command of a run after the other; the run is taken on only when none is left. */
  const inTurn = async <T>(runId: string, command: () => Promise<T>): Promise<T> => {
    try {
      return await commands.run(runId, command);
    } finally {
      leader.wake();
    }
  };

  return {
    create: (request) => inTurn(request.spec.name, () => create(request)),
    get: find,
    ...pagesOfRuns,
    tags: (runId) => readTags(store, runId),
    tag: (runId, change) => changeTags(store, runId, change),
    checkpoints: async (runId) => listCheckpoints(store, (await find(runId)).state),
    blob: (runId, key, range) => readBlob(store, runId, key, range),
    watch: (wanted, signal) => {
      const { broadcasts } = services;
      const watchPorts = { store, broadcasts, looks, pages, find, drained: drained.signal };
      return watchers.counted(wanted.runId, () => watchRun(watchPorts, wanted, signal));
    },
    steer: (runId, steering, requestId) => inTurn(runId, () => steer(runId, steering, requestId)),
    remove: (runId, requestId) => inTurn(runId, () => remove(runId, requestId)),
    drain: async () => {
      drained.abort(new TrikdError('unavailable', 'the orchestrator is shutting down'));
      leader.wake();
      await commands.idle();
      await leader.over;
    },
  };
}
