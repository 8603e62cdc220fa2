import { at } from '../api.js';
import type { ModelVersion } from './inference.js';

/** A model that is asked, and its name in the run. */
export interface AskedModel extends ModelVersion {
  /** `student`, `teacher`, …; `anchor` or `previous student` for the student of an earlier generation. */
  readonly title: string;
}

/** Models that are asked at once, at most: as many as fit beside each other. */
export const MOST_MODELS = 4;

/** The runs whose models a server has, by name: a model is called `RUN`, or `RUN.LEARNER`. */
export function runsIn(index: readonly ModelVersion[]): readonly string[] {
  return [...new Set(index.map(({ model }) => model.split('.')[0] ?? ''))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
}

/** The versions of a model, ascending. */
export function versionsOf(index: readonly ModelVersion[], model: string): readonly number[] {
  const versions = index.filter((each) => each.model === model).map(({ version }) => Number(version));
  return [...new Set(versions.filter(Number.isSafeInteger))].sort((a, b) => a - b);
}

/**
 * What is asked of a run: its student, the other learners of the same stage or of the last one before it, and the student that was the
 * anchor of the stage.
 * @param version of the student
 * @param anchor of the stage, where it is known; otherwise the student before is asked
 */
export function askedModels(
  index: readonly ModelVersion[],
  run: string,
  version: number,
  anchor?: number,
): readonly AskedModel[] {
  const others = [...new Set(index.map(({ model }) => model))].filter((model) => model.startsWith(`${run}.`)).sort();
  const earlier = anchor ?? versionsOf(index, run).findLast((each) => each < version);
  const asked = [
    { title: 'student', model: run, version },
    ...others.flatMap((model) => {
      const found = versionsOf(index, model).findLast((each) => each <= version);
      return found === undefined ? [] : [{ title: model.slice(run.length + 1), model, version: found }];
    }),
  ].slice(0, earlier === undefined ? MOST_MODELS : MOST_MODELS - 1);
  const last =
    earlier === undefined
      ? []
      : [{ title: anchor === undefined ? 'previous student' : 'anchor', model: run, version: earlier }];
  return [...asked, ...last].map((each) => ({ ...each, version: String(each.version) }));
}

/** A change of the anchor, as the run reports it. */
interface AnchorMove {
  readonly stage: number;
  /** The generation that was current at that time. One that a person moves starts again with its new anchor. */
  readonly during: number;
  readonly byRule: boolean;
}

/** The generation whose student was the anchor of another; undefined if there was none. */
export function anchorOf(moves: readonly AnchorMove[], stage: number): number | undefined {
  const before = moves.filter(({ during, byRule }) => during < stage || (!byRule && during === stage));
  return before.findLast((move) => move.stage < stage)?.stage;
}

/** The changes of the anchor of a run; none where the page is not served with runs. */
export async function anchorMoves(run: string): Promise<readonly AnchorMove[]> {
  const answer: unknown = await fetch(`/api/runs/${encodeURIComponent(run)}`)
    .then((response) => (response.ok ? response.json() : undefined))
    .catch(() => undefined);
  const moves = at(answer, 'run', 'anchorMoves');
  if (!Array.isArray(moves)) return [];
  return moves.map((move: unknown) => ({
    // Of generation 0, JSON leaves the number out.
    stage: Number(at(move, 'stage') ?? 0),
    during: Number(at(move, 'during') ?? 0),
    byRule: at(move, 'kind') === 'ANCHOR_MOVE_KIND_RULE',
  }));
}
