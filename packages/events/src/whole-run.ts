import type { AnchorMove, GenerationResult, Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { hasEnded } from './words.js';

/** A run as a numbered event has it, with the results and moves that only earlier events had. @param before as it was known until then */
export function wholeRun(told: Run, before: Run | undefined): Run {
  if (!before || hasEnded(told.phase)) return told;
  return {
    ...told,
    generations: [...before.generations, ...newResults(told, before)],
    anchorMoves: [...before.anchorMoves, ...newMoves(told, before)],
  };
}

/** The results that a run had not before. */
export function newResults({ generations }: Run, before: Run | undefined): readonly GenerationResult[] {
  const known = before?.generations.at(-1)?.generation ?? -1;
  return generations.filter(({ generation }) => generation > known);
}

/** The moves of the anchor that a run had not before. */
export function newMoves({ anchorMoves }: Run, before: Run | undefined): readonly AnchorMove[] {
  const last = before?.anchorMoves.at(-1);
  const known = last ? anchorMoves.findLastIndex((move) => isSame(move, last)) : -1;
  return anchorMoves.slice(known + 1);
}

function isSame(a: AnchorMove, b: AnchorMove): boolean {
  return a.kind === b.kind && a.generation === b.generation && a.during === b.during && a.time === b.time;
}
