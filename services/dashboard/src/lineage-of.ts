import { hasEnded, type TrainedRole, trainedRole } from '@trikd/events/names';
import type { GenerationHistory } from '@trikd/events/run-history';
import type { Score } from '@trikd/protocol/gen/browser/trikd/v1/common';
import { AnchorMoveKind, type Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { possibleVerbs } from './possible-verbs.js';

/** One generation in the lineage of the student. */
export interface Ancestor {
  readonly generation: number;
  readonly state: 'ended' | 'current';
  /** The generation whose student was its anchor; absent without an anchor. */
  readonly anchor?: number;
  /** On the validation split. */
  readonly validation: Readonly<Partial<Record<TrainedRole | 'anchor', Score>>>;
  /** On the test split, which is only reported. */
  readonly test: Readonly<Partial<Record<TrainedRole | 'anchor', Score>>>;
  readonly steps?: number;
  /** How its student became the anchor most recently. */
  readonly became?: 'rule' | 'override' | 'rollback';
  /** Its student is the anchor now. */
  readonly isAnchor: boolean;
  /** Its student is the best of the run. */
  readonly isBest: boolean;
  readonly canPromote: boolean;
  readonly canRollBack: boolean;
}

/** The generations of a run, with their scores and what became of their students. */
export function lineageOf(run: Run, generations: readonly GenerationHistory[] = []): readonly Ancestor[] {
  const verbs = possibleVerbs(run);
  const present = presentAnchor(run);
  const ended = run.generations.map((result): Ancestor => {
    const { generation, student, teacher, anchorValidation, anchorTest, steps } = result;
    const became = lastMove(run, generation) ?? (result.promoted ? 'rule' : undefined);
    const isAnchor = present === generation;
    return {
      generation,
      state: 'ended',
      ...anchorIn(run, generation),
      validation: known({ student: student?.validation, teacher: teacher?.validation, anchor: anchorValidation }),
      test: known({ student: student?.test, teacher: teacher?.test, anchor: anchorTest }),
      steps,
      ...(became && { became }),
      isAnchor,
      isBest: run.bestGeneration === generation,
      canPromote: verbs.includes('promoted') && !isAnchor && became === undefined,
      canRollBack: verbs.includes('rolled-back') && !isAnchor && became !== undefined,
    };
  });
  const last = run.generations.at(-1)?.generation ?? -1;
  return run.generation > last && !hasEnded(run.phase) ? [...ended, currentOf(run, generations)] : ended;
}

function currentOf(run: Run, generations: readonly GenerationHistory[]): Ancestor {
  const history = generations.find(({ generation }) => generation === run.generation);
  const newest = (role: TrainedRole): Score | undefined => {
    const values = history?.roles[role].validation.points.at(-1)?.values;
    if (values) return { metrics: values, examples: 0 };
    return run.progress?.evaluations.find((each) => trainedRole(each.role) === role)?.evaluation?.validation;
  };
  return {
    generation: run.generation,
    state: 'current',
    ...(run.anchor && { anchor: run.anchor.generation }),
    validation: known({ student: newest('student'), teacher: newest('teacher'), anchor: run.anchor?.validation }),
    test: known({ student: undefined, teacher: undefined, anchor: run.anchor?.test }),
    isAnchor: false,
    isBest: false,
    canPromote: false,
    canRollBack: false,
  };
}

/** The generation whose student is the anchor now, or in the next generation. */
export function presentAnchor({ anchor, anchorMoves, generations }: Run): number | undefined {
  return (
    anchorMoves.at(-1)?.generation ?? anchor?.generation ?? generations.findLast(({ promoted }) => promoted)?.generation
  );
}

/** The rule moves the anchor for the next generation; a move by hand applies to the current one. */
function anchorIn(run: Run, generation: number): { readonly anchor?: number } {
  const rule = AnchorMoveKind.ANCHOR_MOVE_KIND_RULE;
  const move = run.anchorMoves.findLast(({ kind, during }) =>
    kind === rule ? during < generation : during <= generation,
  );
  if (move) return { anchor: move.generation };
  if (run.anchorMoves.length > 0) return {};
  const before = run.generations.findLast((each) => each.promoted && each.generation < generation);
  return before ? { anchor: before.generation } : {};
}

function lastMove({ anchorMoves }: Run, generation: number): Ancestor['became'] {
  const move = anchorMoves.findLast((each) => each.generation === generation);
  if (!move) return undefined;
  if (move.kind === AnchorMoveKind.ANCHOR_MOVE_KIND_ROLLBACK) return 'rollback';
  return move.kind === AnchorMoveKind.ANCHOR_MOVE_KIND_OVERRIDE ? 'override' : 'rule';
}

function known<K extends string>(scores: Readonly<Record<K, Score | undefined>>): Readonly<Partial<Record<K, Score>>> {
  const result: Partial<Record<K, Score>> = {};
  for (const name in scores) {
    const score = scores[name];
    if (score) result[name] = score;
  }
  return result;
}
