import { AnchorMoveKind, type Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { resultOf } from '../e2e/outcome.js';
import { run as runHere, scratch } from '../e2e/trikd.js';

/** What must be the same wherever a run is trained, and whatever happens to it. */
export interface Outcome {
  readonly stage: number;
  readonly steps: number;
  readonly promoted: boolean;
  /** By name: digests of weights, statistics and optimizer slots, and of the best params. */
  readonly learners: Readonly<Record<string, { readonly state: string; readonly best: string | undefined }>>;
}

/** The outcome of a run that has ended. */
export function outcomeOf({ stages }: Pick<Run, 'stages'>): readonly Outcome[] {
  return stages.map(({ stage, steps, promoted, learners }) => {
    const named = learners.map(({ participant, best, stateSha256 }) => {
      return [participant, { state: stateSha256, best: best?.params?.sha256 }] as const;
    });
    return { stage, steps, promoted, learners: Object.fromEntries(named) };
  });
}

/** Generations whose student became the anchor, in order. */
export function promotionsOf({ anchorMoves }: Run): readonly number[] {
  return anchorMoves.filter(({ kind }) => kind === AnchorMoveKind.ANCHOR_MOVE_KIND_RULE).map((move) => move.stage);
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
  const { stages } = resultOf(await runHere(scratch(), spec));
  return stages.map(({ stage, steps, promoted, learners }) => {
    const named = Object.entries(learners).map(([name, { best, stateSha256 }]) => {
      return [name, { state: stateSha256, best: best.params.sha256 }] as const;
    });
    return { stage, steps, promoted, learners: Object.fromEntries(named) };
  });
}
