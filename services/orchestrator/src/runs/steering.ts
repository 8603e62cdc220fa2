import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { advance } from '@trikd/core/run/advance';
import { announce } from '@trikd/core/run/queue';
import type { RunView } from '@trikd/core/run/run-view';
import { changesSince } from '@trikd/core/run/run-view';
import { hasEnded, type RunState } from '@trikd/core/run/state';
import { pointAsStated } from '@trikd/core/run/stored/anchor-pointer';
import { loadRun, type SavedRun } from '@trikd/core/run/stored/run-store';
import type { Steering } from '@trikd/core/run/verbs';
import type { RunServices } from './run-services.js';
import { type RunLimits, rulesOf } from './run-services.js';

export interface SteeringPorts extends RunLimits {
  readonly store: ObjectStore;
  /** A text that no other process makes, for the keys of markers. */
  nonce(): string;
}

/** The leader, as far as steering needs it. */
export interface SteeringLeader {
  readonly term: () => number | undefined;
  /** The run with its place in the queue. */
  readonly inQueue: <V extends RunView>(run: V) => V;
  /** Pauses a run at a committed pair, when it is driven here. It is not driven again until the steering is over. */
  readonly pause: (runId: string) => Promise<void>;
}

export interface SteeringRequest {
  readonly runId: string;
  readonly steering: Steering;
  readonly requestId: string | undefined;
}

/** Writes that may lose a race: the run is being taken over, or comes to its end. */
const TRIES = 5;

/**
 * Does what a request demands of a run. A request that the state does not allow is refused before a run in training is disturbed; it is
 * checked again where the run has paused.
 * @throws TrikdError as `steer` does; `out-of-step` when another orchestrator drives the run now
 */
export async function steerRun(
  ports: SteeringPorts,
  services: RunServices,
  leader: SteeringLeader,
  term: number,
  request: SteeringRequest,
): Promise<RunView> {
  const repeated = async (run: SavedRun) => {
    await movePointer(ports.store, term, request, run);
    return leader.inQueue(run);
  };
  for (let tries = 1; ; tries += 1) {
    const { run, done } = await decide(ports, request);
    if (done) return repeated(run);
    await leader.pause(request.runId);
    const paused = await decide(ports, request);
    if (paused.done) return repeated(paused.run);
    try {
      const { steering, requestId } = request;
      const change = { state: paused.state, term, request: { kind: steering.kind, id: requestId } };
      const queues = paused.state.phase === 'queued' && paused.run.state.phase !== 'queued';
      // This process may have been replaced as the leader without knowing it.
      if (queues) await announce(ports.store, request.runId, ports.nonce());
      const saved = await services.records.save(ports.store, paused.run, change);
      if (queues) await announce(ports.store, request.runId, ports.nonce());
      await movePointer(ports.store, term, request, saved);
      const placed = leader.inQueue(saved);
      await emitChanges(services, term, paused.run.state, placed);
      return placed;
    } catch (error) {
      const again = error instanceof TrikdError && error.kind === 'out-of-step' && leader.term() === term;
      if (!again || tries === TRIES) throw error;
    }
  }
}

/** What a run becomes by a request. `done`: the request was done before. */
async function decide(
  { store, retries, keepPairs }: SteeringPorts,
  { runId, steering, requestId }: SteeringRequest,
): Promise<{ readonly run: SavedRun; readonly state: RunState; readonly done: boolean }> {
  const run = await loadRun(store, runId);
  if (requestId !== undefined && run.requests.includes(requestId)) return { run, state: run.state, done: true };
  try {
    return { run, state: advance(run.state, steering, rulesOf(run.spec, { retries, keepPairs })), done: false };
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    throw new TrikdError(error.kind, error.message, { ...error.details, run: runId }, { cause: error });
  }
}

/** Moves the anchor pointer after a move by hand. Repeated with the request, since a process can die between the two writes. */
async function movePointer(
  store: ObjectStore,
  term: number,
  { steering: { kind }, runId }: SteeringRequest,
  run: SavedRun,
): Promise<void> {
  if (kind === 'promoted' || kind === 'rolled-back') await pointAsStated(store, runId, run.state, term);
}

/** Emits what a run that is not driven became, and ends its stream of events where nothing more is emitted. */
export async function emitChanges(
  { broadcasts, counters }: RunServices,
  term: number,
  before: RunState,
  run: SavedRun,
): Promise<void> {
  const { name } = run.spec;
  const broadcast = await broadcasts.open(run, term);
  for (const event of changesSince(before, run)) {
    counters.count(name, event);
    broadcast.emit(event);
  }
  if (hasEnded(run.state) || run.state.phase === 'queued') await broadcasts.end(name);
}

/** Removes a run that has ended. @throws TrikdError as `deleteRun` does */
export async function removeRun(
  store: ObjectStore,
  { records, broadcasts }: RunServices,
  term: number,
  { runId, requestId }: Pick<SteeringRequest, 'runId' | 'requestId'>,
): Promise<void> {
  await records.remove(store, runId, term, requestId);
  await broadcasts.end(runId, new TrikdError('not-found', `run ${runId} was deleted`, { run: runId }));
}
