import type { BlobItem, BlobRange } from '@trikd/core/checkpoint/blobs';
import { TrikdError, undefinedIfAbsent } from '@trikd/core/domain/errors';
import type { Owner } from '@trikd/core/run/placement';
import type { RunView } from '@trikd/core/run/run-view';
import { noSuchRun } from '@trikd/core/run/stored/run-store';
import type { TagChange } from '@trikd/core/run/stored/tags';
import type { Steering } from '@trikd/core/run/verbs';
import { type Admission, assertAdmitted } from '@trikd/core/spec/admission';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { Caller } from '@trikd/transport/access/caller';
import type { EventsWanted } from '../events/watch-run.js';
import type { CreateRequest, Orchestrator } from '../orchestrator.js';
import type { ListedRun } from '../runs/run-summaries.js';
import type { CheckpointList, PageWanted, RunPage } from './list-runs.js';

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

/** Whether a caller may know of a run. A run without an owner, from before people were recognised, is for admins. */
export function mayAccess(caller: Caller, owner: Owner | undefined): boolean {
  if (isAdmin(caller) || caller.kind !== 'user') return true;
  if (!owner) return false;
  return owner.subject === caller.subject || (owner.team !== undefined && caller.teams.includes(owner.team));
}

/** Whether a caller may do what affects everybody's runs. Callers without identity exist only where everybody may do everything. */
export function isAdmin(caller: Caller): boolean {
  return caller.kind !== 'user' || caller.verbs.includes('admin');
}

/**
 * The owner of a run that a caller creates; undefined for callers without identity.
 * @param team for which it is created; empty: the caller's, if they are in exactly one
 * @throws TrikdError 'forbidden' if the caller is not in the team
 */
export function ownerOf(caller: Caller, team: string): Owner | undefined {
  if (caller.kind !== 'user') return undefined;
  const { subject, teams } = caller;
  if (team !== '' && !teams.includes(team)) {
    throw new TrikdError('forbidden', `${subject} is not in the team ${team}`);
  }
  const [only, ...others] = teams;
  const chosen = team !== '' ? team : others.length === 0 ? only : undefined;
  return { subject, ...(chosen !== undefined && { team: chosen }) };
}

/** An orchestrator that creates and continues no run that is not admitted. Nothing is stored for a refused one. */
export function admitting(orchestrator: Orchestrator, admission: Admission): Orchestrator {
  return {
    ...orchestrator,
    create: async (request) => {
      assertAdmitted(request.spec, admission);
      return orchestrator.create(request);
    },
  };
}
