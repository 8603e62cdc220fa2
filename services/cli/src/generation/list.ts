import { toScore } from '@trikd/protocol/convert';
import { GenerationResult, type Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { BestParams } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { resultsTable, type ShownResult } from '../results-table.js';

/** The generations of a run that have ended, for people. */
export function generationsText({ runId, generations, bestGeneration }: Run): string {
  if (generations.length === 0) return `no generation of run ${runId} has ended yet`;
  return resultsTable(generations.map(shown), bestGeneration);
}

/** The generations, for programs. */
export function generationsJson({ runId, generations, bestGeneration }: Run): object {
  return {
    runId,
    ...(generations.length > 0 && { bestGeneration }),
    generations: generations.map((one) => GenerationResult.toJSON(one)),
  };
}

function shown({
  generation,
  promoted,
  student,
  teacher,
  anchorValidation,
  anchorTest,
}: GenerationResult): ShownResult {
  const anchorScores = anchorValidation &&
    anchorTest && { validation: toScore(anchorValidation), test: toScore(anchorTest) };
  return {
    ...{ generation, promoted, student: shownBest(student), teacher: shownBest(teacher) },
    ...(anchorScores && { anchorScores }),
  };
}

function shownBest(best: BestParams | undefined): ShownResult['student'] {
  const { step, validation, test } = best ?? { step: 0, validation: undefined, test: undefined };
  return { step, validation: toScore(validation), ...(test && { test: toScore(test) }) };
}
