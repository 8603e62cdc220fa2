import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { advance } from '@trikd/core/run/advance';
import { pointAsStated } from '@trikd/core/run/anchor-pointer';
import { deleteRun } from '@trikd/core/run/delete-run';
import { loadRun, type SavedRun, saveRun } from '@trikd/core/run/run-store';
import { hasEnded, type RunState } from '@trikd/core/run/state';
import type { Steering } from '@trikd/core/run/steering';
import type { Stories } from '../events/stories.js';
import { type DrivenRunPorts, rulesOf } from './driven-run.js';
import type { RunNews, RunView } from './ports.js';

/** What steering needs. */
export interface SteeringPorts extends Pick<DrivenRunPorts, 'retries' | 'keepPairs'> {
  readonly store: ObjectStore;
  readonly stories: Stories;
  now(): string;
  /** Told what becomes of a run, for those who count. */
  count(runId: string, news: RunNews): void;
  /** The term of this process, while it leads. */
  term(): number | undefined;
  /** The run with what it waits for. */
  placed<V extends RunView>(run: V): V;
  /** Brings the run to rest at a committed pair, if it is driven here. Nothing is driven then until the steering is over. */
  rest(runId: string): Promise<void>;
}

/** One wish of somebody. */
export interface Wish {
  readonly runId: string;
  readonly steering: Steering;
  readonly requestId: string | undefined;
}

/** Writes that another may have been faster with: a run that is just being taken over, or comes to rest by itself. */
const TRIES = 5;

/**
 * Makes a run what somebody wants. It is refused before a run that trains is disturbed, and judged again where that has come to rest.
 * @throws TrikdError as `steer` does; `out-of-step` when another orchestrator drives the run now
 */
export async function steerRun(ports: SteeringPorts, term: number, wish: Wish): Promise<RunView> {
  for (let tries = 1; ; tries += 1) {
    const { run, done } = await decide(ports, wish);
    if (done) return pointed(ports, term, wish, run);
    await ports.rest(wish.runId);
    const rested = await decide(ports, wish);
    if (rested.done) return pointed(ports, term, wish, rested.run);
    try {
      const { state } = rested;
      const request = wish.requestId === undefined ? {} : { request: wish.requestId };
      const saved = await saveRun(ports.store, rested.run, { state, term, ...request, at: ports.now() });
      await pointed(ports, term, wish, saved);
      const placed = ports.placed(saved);
      await tell(ports, term, placed);
      return placed;
    } catch (error) {
      const again = error instanceof TrikdError && error.kind === 'out-of-step' && ports.term() === term;
      if (!again || tries === TRIES) throw error;
    }
  }
}

async function decide(
  { store, ...limits }: SteeringPorts,
  { runId, steering, requestId }: Wish,
): Promise<{ readonly run: SavedRun; readonly state: RunState; readonly done: boolean }> {
  const run = await loadRun(store, runId);
  if (requestId !== undefined && run.requests.includes(requestId)) return { run, state: run.state, done: true };
  try {
    return { run, state: advance(run.state, steering, rulesOf(run.spec, limits)), done: false };
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    throw new TrikdError(error.kind, error.message, { ...error.details, run: runId }, { cause: error });
  }
}

/** Moves the pointer to the anchor after a move by hand. Done again when the request is, for a process that died between the two. */
async function pointed({ store, placed }: SteeringPorts, term: number, wish: Wish, run: SavedRun): Promise<RunView> {
  const { kind } = wish.steering;
  if (kind === 'promoted' || kind === 'rolled-back') await pointAsStated(store, wish.runId, run.state, term);
  return placed(run);
}

async function tell({ stories, count }: SteeringPorts, term: number, run: SavedRun): Promise<void> {
  const { name } = run.spec;
  const news = { kind: 'run' as const, ...run };
  count(name, news);
  const story = await stories.open(name, term);
  story.tell(news);
  if (hasEnded(run.state)) await stories.end(name);
}

/** Removes a run that has ended. @throws TrikdError as `deleteRun` does */
export async function removeRun({ store, stories }: SteeringPorts, term: number, runId: string): Promise<void> {
  await deleteRun(store, runId, term);
  await stories.end(runId, new TrikdError('not-found', `run ${runId} was deleted`, { run: runId }));
}
