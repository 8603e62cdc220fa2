import { bestOf, decisiveOf } from '@trikd/events/compare-runs';
import { isGeneration } from '@trikd/events/names';
import { toScore } from '@trikd/protocol/convert';
import { toFrozenScores } from '@trikd/protocol/convert-anchor';
import { GenerationResult, type Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { BestParams } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { resultsTable, type ShownResult } from '../../run/report.js';

/** The stages of a run that have ended, for people. */
export function generationsText(run: Run): string {
  const { runId, generations, currentStage } = run;
  if (generations.length === 0) {
    return `no ${!currentStage || isGeneration(currentStage.name) ? 'generation' : 'stage'} of run ${runId} has ended yet`;
  }
  const shown = generations.map((result) => shownResult(result, run));
  return resultsTable(shown, bestOf(run)?.generation);
}

/** The stages, for programs. */
export function generationsJson(run: Run): object {
  const best = bestOf(run);
  return {
    runId: run.runId,
    ...(best && { bestGeneration: best.generation }),
    generations: run.generations.map((one) => GenerationResult.toJSON(one)),
  };
}

function shownResult(result: GenerationResult, run: Run): ShownResult {
  const { generation, learners, frozen, candidate, promoted } = result;
  // Servers that do not name stages have generations alone.
  const stageName = result.stageName === '' ? `generation-${generation}` : result.stageName;
  return {
    ...{ generation, stageName, decisive: decisiveOf(result, run), promotes: candidate !== '', promoted },
    learners: Object.fromEntries(learners.map(({ participant, best }) => [participant, shownBest(best)])),
    frozen: toFrozenScores(frozen),
  };
}

function shownBest(best: BestParams | undefined): ShownResult['learners'][string] {
  const { step, validation, test } = best ?? { step: 0, validation: undefined, test: undefined };
  return { step, validation: toScore(validation), ...(test && { test: toScore(test) }) };
}
