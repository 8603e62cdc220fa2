import { z } from 'zod';
import { TrikdError } from '../domain/errors.js';
import type { ObjectStore } from '../domain/object-store.js';
import { decodeJson, encodeJson } from './json-object.js';
import { Anchor, movesByHand, type RunState } from './state.js';

const Count = z.int().nonnegative();

/** Which student is the anchor now: for everybody who wants the newest without following the run. */
export const AnchorPointer = z
  .strictObject({
    version: z.literal(1),
    ...Anchor.unwrap().shape,
    newest: Count.describe('the last generation whose student the rule has promoted: it never goes back'),
    rollbacks: Count.describe(
      'how often somebody has asked for another anchor: back to an earlier one, or against the rule',
    ),
    moves: z.int().positive().describe('how often it was moved'),
    term: Count.describe('of the orchestrator that moved it'),
  })
  .readonly();
export type AnchorPointer = z.infer<typeof AnchorPointer>;

export function pointerKey(runId: string): string {
  return `runs/${runId}/anchor.json`;
}

/** The pointer of a run, or undefined before the first promotion. @throws TrikdError `corrupt` */
export async function readPointer(store: ObjectStore, runId: string): Promise<AnchorPointer | undefined> {
  return (await find(store, runId))?.pointer;
}

/**
 * Points to a promoted student. Doing it twice moves once; two who race move once.
 * @throws TrikdError `out-of-step` when a later generation was promoted already, `corrupt` when another student of this one was
 */
export async function promote(store: ObjectStore, runId: string, anchor: Anchor, term: number): Promise<void> {
  await move(store, runId, (present) => {
    if (!present) return { ...anchor, newest: anchor.generation, rollbacks: 0, moves: 1, term };
    if (present.newest > anchor.generation) {
      const message = `generation ${present.newest} of run ${runId} was promoted before generation ${anchor.generation}`;
      throw new TrikdError('out-of-step', message);
    }
    if (present.newest < anchor.generation) {
      return { ...present, ...anchor, newest: anchor.generation, moves: present.moves + 1, term };
    }
    if (present.generation !== anchor.generation) return undefined;
    if (present.params.sha256 !== anchor.params.sha256) {
      const message = `generation ${anchor.generation} of run ${runId} was promoted with params ${present.params.sha256}`;
      throw new TrikdError('corrupt', `${message}, not ${anchor.params.sha256}`);
    }
    // Trained again, the student is the same, and lies under another attempt.
    if (present.params.key === anchor.params.key) return undefined;
    return { ...present, ...anchor, moves: present.moves + 1, term };
  });
}

/**
 * Points to the student that somebody has asked for. `asked` counts how often that was in the run's life, so that doing it twice moves
 * once.
 */
export async function pointByHand(
  store: ObjectStore,
  runId: string,
  anchor: Anchor,
  asked: number,
  term: number,
): Promise<void> {
  await move(store, runId, (present) => {
    // Of a run of one generation the rule promotes nobody.
    if (!present) return { ...anchor, newest: anchor.generation, rollbacks: asked, moves: 1, term };
    if (present.rollbacks >= asked) return undefined;
    return { ...present, ...anchor, rollbacks: asked, moves: present.moves + 1, term };
  });
}

/** Makes the pointer say what a state says: after a move by hand, where a process died between the two, and where the pointer was lost. */
export async function pointAsStated(store: ObjectStore, runId: string, state: RunState, term: number): Promise<void> {
  const studentOf = (generation: number): Anchor => {
    const result = state.results[generation];
    if (!result) throw new TrikdError('corrupt', `run ${runId} names generation ${generation}, which has not ended`);
    return { generation, params: result.student.params };
  };
  const newest = state.results.findLast(({ promoted }) => promoted);
  if (newest) await promote(store, runId, studentOf(newest.generation), term);
  // A promotion since then has moved the pointer forward again.
  const last = state.moves.at(-1);
  if (last && last.by !== 'rule') await pointByHand(store, runId, studentOf(last.to), movesByHand(state).length, term);
}

type Move = (present: AnchorPointer | undefined) => Omit<AnchorPointer, 'version'> | undefined;

async function move(store: ObjectStore, runId: string, next: Move): Promise<void> {
  for (;;) {
    const found = await find(store, runId);
    const wanted = next(found?.pointer);
    if (!wanted) return;
    const bytes = encodeJson(AnchorPointer.parse({ ...wanted, version: 1 }));
    const key = pointerKey(runId);
    const outcome = found ? await store.replace(key, bytes, found.version) : await store.create(key, bytes);
    // Whoever was faster may have done the same: look again.
    if (outcome === 'replaced' || outcome === 'created') return;
  }
}

async function find(store: ObjectStore, runId: string) {
  const key = pointerKey(runId);
  const object = await store.get(key);
  return object && { pointer: decodeJson(AnchorPointer, object.bytes, key), version: object.version };
}
