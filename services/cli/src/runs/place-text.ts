import { isGeneration, stageText } from '@trikd/events/names';
import { bestOf, decisiveOf } from '@trikd/events/run-result';
import type { Run } from '@trikd/protocol/gen/node/trikd/v1/run';

/** Whether the stage that a run is in is a generation; servers that do not name it have no others. */
export function ofGenerations({ stage }: Run): boolean {
  return stage === undefined || isGeneration(stage.name);
}

/** The stage that a run is in: the number of a generation, or the index and the name of another stage. */
export function placeText(run: Run): string {
  const { generation, stage } = run;
  return ofGenerations(run) ? String(generation) : `${generation} ${stage?.name}`;
}

/** The model that a run has come to so far: `student of generation 2`; empty before there is one. */
export function productText(run: Run): string {
  const best = bestOf(run);
  return best ? `${decisiveOf(best, run)} of ${stageText(best.stage, best.generation)}` : '';
}
