import { z } from 'zod';
import { TrikdError } from '../../domain/errors.js';
import type { ObjectStore } from '../../domain/object-store.js';
import { Anchor, candidateOf, movesByHand, type RunState } from '../state.js';
import { decodeVersionedJson, encodeJson } from './json-object.js';

/** Of the pointers that are written and read. */
const POINTER_VERSION = 2;

const Count = z.int().nonnegative();

/** The current anchor of a run, for readers that do not follow the run. */
export const AnchorPointer = z
  .strictObject({
    version: z.literal(POINTER_VERSION),
    ...Anchor.unwrap().shape,
    newest: Count.describe('the last generation whose student the rule promoted; it never goes back'),
    rollbacks: Count.describe('how often the anchor was moved by hand: back to an earlier one, or against the rule'),
    moves: z.int().positive().describe('changes of the pointer'),
    term: Count.describe('of the orchestrator that wrote it'),
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
 * Points to a promoted student. A repeated or concurrent call has no second effect.
 * @throws TrikdError `out-of-step` when a later generation was promoted already, `corrupt` when another student of this generation was
 */
export async function promote(store: ObjectStore, runId: string, anchor: Anchor, term: number): Promise<void> {
  await move(store, runId, (present) => {
    if (!present) return { ...anchor, newest: anchor.stage, rollbacks: 0, moves: 1, term };
    if (present.newest > anchor.stage) {
      const message = `generation ${present.newest} of run ${runId} was promoted before generation ${anchor.stage}`;
      throw new TrikdError('out-of-step', message);
    }
    if (present.newest < anchor.stage) {
      return { ...present, ...anchor, newest: anchor.stage, moves: present.moves + 1, term };
    }
    if (present.stage !== anchor.stage) return undefined;
    if (present.params.sha256 !== anchor.params.sha256) {
      const message = `generation ${anchor.stage} of run ${runId} was promoted with params ${present.params.sha256}`;
      throw new TrikdError('corrupt', `${message}, not ${anchor.params.sha256}`);
    }
    // A student that was trained again is the same, under the key of another attempt.
    if (present.params.key === anchor.params.key) return undefined;
    return { ...present, ...anchor, moves: present.moves + 1, term };
  });
}

/**
 * Points to a student by hand. `asked` counts such moves in the life of the run, so that a repeated call has no second effect.
 */
export async function pointByHand(
  store: ObjectStore,
  runId: string,
  anchor: Anchor,
  asked: number,
  term: number,
): Promise<void> {
  await move(store, runId, (present) => {
    // In a run of one generation the rule promotes no student.
    if (!present) return { ...anchor, newest: anchor.stage, rollbacks: asked, moves: 1, term };
    if (present.rollbacks >= asked) return undefined;
    return { ...present, ...anchor, rollbacks: asked, moves: present.moves + 1, term };
  });
}

/** Brings the pointer in line with a state: after a move by hand, after a crash between the two writes, and after a lost pointer. */
export async function pointAsStated(store: ObjectStore, runId: string, state: RunState, term: number): Promise<void> {
  const studentOf = (stage: number): Anchor => {
    const result = state.results[stage];
    const best = result && candidateOf(result);
    if (!best) throw new TrikdError('corrupt', `run ${runId} names stage ${stage}, which has no student`);
    return { stage, params: best.params };
  };
  const newest = state.results.findLast(({ promoted }) => promoted);
  if (newest) await promote(store, runId, studentOf(newest.stage), term);
  // A later promotion by the rule has moved the pointer forward again.
  const last = state.moves.at(-1);
  if (last && last.by !== 'rule') await pointByHand(store, runId, studentOf(last.to), movesByHand(state).length, term);
}

type Move = (present: AnchorPointer | undefined) => Omit<AnchorPointer, 'version'> | undefined;

async function move(store: ObjectStore, runId: string, next: Move): Promise<void> {
  for (;;) {
    const found = await find(store, runId);
    const wanted = next(found?.pointer);
    if (!wanted) return;
    const bytes = encodeJson(AnchorPointer.parse({ ...wanted, version: POINTER_VERSION }));
    const key = pointerKey(runId);
    const outcome = found ? await store.replace(key, bytes, found.version) : await store.create(key, bytes);
    // Another process wrote first, perhaps the same: read again.
    if (outcome === 'replaced' || outcome === 'created') return;
  }
}

async function find(store: ObjectStore, runId: string) {
  const key = pointerKey(runId);
  const object = await store.get(key);
  return (
    object && {
      pointer: decodeVersionedJson(AnchorPointer, object.bytes, key, POINTER_VERSION),
      version: object.version,
    }
  );
}
