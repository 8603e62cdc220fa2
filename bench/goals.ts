import { type Cell, sameCell } from './cells.ts';
import type { Peer } from './peer-names.ts';

/** What the step of one peer may take at most, as a multiple of that of another. */
export interface Goal {
  readonly of: Peer;
  readonly beside: Peer;
  readonly most: number;
}

/** What we hold ourselves to at batch 128 with 100 classes. */
export function goalsOf(cell: Cell): readonly Goal[] {
  const goals: readonly (readonly [models: string, Goal])[] = [
    ['resnet-20', { of: 'one-process', beside: 'compile', most: 0.75 }],
    ['resnet-20/resnet-56', { of: 'services', beside: 'compile', most: cell.precision === 'float32' ? 0.75 : 0.8 }],
    ['resnet-20/resnet-56', { of: 'services', beside: 'one-process', most: 1.03 }],
  ];
  return goals.flatMap(([models, goal]) =>
    sameCell(cell, { ...cell, models, batch: 128, classes: 100 }) ? [goal] : [],
  );
}
