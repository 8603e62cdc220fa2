import { AnchorMoveKind, type Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { resultOf } from '../e2e/outcome.js';
import { run as runHere, scratch } from '../e2e/trikd.js';

/** What must be the same wherever a run is trained, and whatever happens to it. */
export interface Outcome {
  readonly generation: number;
  readonly steps: number;
  readonly promoted: boolean;
  /** Of weights, statistics and optimizer slots. */
  readonly states: readonly string[];
  /** Of the best params. */
  readonly params: readonly (string | undefined)[];
}

/** The part of a generation's result that is compared, as GetRun and `trikd run` have it. */
interface Result extends Pick<Outcome, 'generation' | 'steps' | 'promoted'> {
  readonly student?: Scored | undefined;
  readonly teacher?: Scored | undefined;
  readonly studentStateSha256: string;
  readonly teacherStateSha256: string;
}
interface Scored {
  readonly params?: { readonly sha256: string } | undefined;
}

/** The outcome of a run that has ended. */
export function outcomeOf({ generations }: { readonly generations: readonly Result[] }): readonly Outcome[] {
  return generations.map(({ generation, steps, promoted, student, teacher, ...digests }) => ({
    generation,
    steps,
    promoted,
    states: [digests.studentStateSha256, digests.teacherStateSha256],
    params: [student?.params?.sha256, teacher?.params?.sha256],
  }));
}

/** Generations whose student became the anchor, in order. */
export function promotionsOf({ anchorMoves }: Run): readonly number[] {
  return anchorMoves.filter(({ kind }) => kind === AnchorMoveKind.ANCHOR_MOVE_KIND_RULE).map((move) => move.generation);
}

const known = new Map<string, Promise<readonly Outcome[]>>();

/** The outcome of `trikd run` on this machine. The name of a run decides no bit: it is left out of account. */
export function outcomeHere(spec: WrittenSpec): Promise<readonly Outcome[]> {
  const key = JSON.stringify({ ...spec, name: '' });
  const outcome = known.get(key) ?? trainHere({ ...spec, name: 'here' });
  known.set(key, outcome);
  return outcome;
}

async function trainHere(spec: WrittenSpec): Promise<readonly Outcome[]> {
  return outcomeOf(resultOf(await runHere(scratch(), spec)));
}
