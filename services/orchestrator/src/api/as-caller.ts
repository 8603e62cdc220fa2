import type { BlobItem, BlobRange } from '@trikd/core/checkpoint/read-blob';
import { TrikdError } from '@trikd/core/domain/errors';
import { undefinedIfAbsent } from '@trikd/core/domain/undefined-if-absent';
import { noSuchRun } from '@trikd/core/run/run-store';
import type { RunView } from '@trikd/core/run/run-view';
import type { Steering } from '@trikd/core/run/steering';
import type { TagChange } from '@trikd/core/run/tags';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { Caller } from '@trikd/transport/access/caller';
import type { EventsWanted } from '../events/watch-run.js';
import type { CreateRequest, Orchestrator } from '../orchestrator.js';
import type { ListedRun } from '../runs/run-summaries.js';
import type { CheckpointList } from './list-checkpoints.js';
import type { PageWanted, RunPage } from './list-runs.js';
import { isAdmin, mayAccess, ownerOf } from './ownership.js';

/** An orchestrator, as one caller may use it. */
export interface CallersOrchestrator extends Omit<Orchestrator, 'create' | 'drain' | 'viewOnly'> {
  /** @param team on whose behalf; empty: the caller's, if they are in exactly one */
  create(request: Omit<CreateRequest, 'owner'>, team: string): Promise<RunView>;
}

/**
 * Shows a caller the runs of their own and of their teams, and no others: those answer as if they did not exist. Only the name of a run is
 * not secret, because two runs cannot have the same.
 * @param refused gets the true reason, for the audit log
 */
export function asCaller(
  orchestrator: Orchestrator,
  caller: Caller,
  refused: (reason: string) => void,
): CallersOrchestrator {
  const reject = (error: TrikdError, reason: string): never => {
    refused(reason);
    throw error;
  };
  const accessible = async (runId: string): Promise<RunView> => {
    const view = await orchestrator.get(runId);
    return mayAccess(caller, view.owner) ? view : reject(noSuchRun(runId), FOREIGN);
  };
  const assertNotForeign = (view: RunView): RunView =>
    mayAccess(caller, view.owner) ? view : reject(taken(view.spec.name), FOREIGN);

  async function create(request: Omit<CreateRequest, 'owner'>, team: string): Promise<RunView> {
    const { spec, takeOver = false, placement } = request;
    if (!isAdmin(caller)) {
      if (takeOver) throw needsAdmin('taking over the leadership');
      if (placement && placement.priority > 0) throw needsAdmin(`the priority ${placement.priority}`);
    }
    const owner = ownerOf(caller, team);
    if (owner) {
      // A damaged run may belong to anybody: creating it again fails as it does without an owner.
      const existing = await orchestrator.get(spec.name).catch(undefinedIfAbsent);
      if (existing) assertNotForeign(existing);
    }
    // Again afterwards: another caller may have created it in between.
    return assertNotForeign(await orchestrator.create({ ...request, ...(owner && { owner }) }));
  }

  const among = (wanted: PageWanted): PageWanted =>
    isAdmin(caller) ? wanted : { ...wanted, visible: ({ owner }) => mayAccess(caller, owner) };

  return {
    create,
    get: accessible,
    list: (wanted: PageWanted): Promise<RunPage<RunView>> => orchestrator.list(among(wanted)),
    summaries: (wanted: PageWanted): Promise<RunPage<ListedRun>> => orchestrator.summaries(among(wanted)),
    async tags(runId: string): Promise<readonly string[]> {
      if (!isAdmin(caller)) await accessible(runId);
      return orchestrator.tags(runId);
    },
    async tag(runId: string, change: TagChange): Promise<readonly string[]> {
      if (!isAdmin(caller)) await accessible(runId);
      return orchestrator.tag(runId, change);
    },
    async checkpoints(runId: string): Promise<CheckpointList> {
      if (!isAdmin(caller)) await accessible(runId);
      return orchestrator.checkpoints(runId);
    },
    async *blob(runId: string, key: string, range: BlobRange): AsyncGenerator<BlobItem> {
      if (!isAdmin(caller)) await accessible(runId);
      yield* orchestrator.blob(runId, key, range);
    },
    async *watch(wanted: EventsWanted, signal: AbortSignal): AsyncGenerator<WatchRunResponse> {
      if (!isAdmin(caller) && !signal.aborted) await accessible(wanted.runId);
      yield* orchestrator.watch(wanted, signal);
    },
    async steer(runId: string, steering: Steering, requestId?: string): Promise<RunView> {
      if (!isAdmin(caller)) await accessible(runId);
      return assertNotForeign(await orchestrator.steer(runId, steering, requestId));
    },
    async remove(runId: string, requestId?: string): Promise<void> {
      // A repeated request finds no run any more, and is answered as the first one.
      const run = isAdmin(caller) ? undefined : await orchestrator.get(runId).catch(undefinedIfAbsent);
      if (run && !mayAccess(caller, run.owner)) reject(noSuchRun(runId), FOREIGN);
      await orchestrator.remove(runId, requestId);
    },
  };
}

const FOREIGN = 'the run belongs to another owner';

function taken(runId: string): TrikdError {
  return new TrikdError('forbidden', `the name ${runId} is taken by a run of another owner; choose a different one`);
}

function needsAdmin(what: string): TrikdError {
  return new TrikdError('forbidden', `${what} requires the verb admin`);
}
