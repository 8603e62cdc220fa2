import { bestOf, decisiveOf } from '@trikd/events/compare-runs';
import { toScore } from '@trikd/protocol/convert';
import { toFrozenScores } from '@trikd/protocol/convert-anchor';
import { type Run, StageResult } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { BestParams } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { resultsTable, type ShownResult } from '../../run/report.js';

/** The stages of a run that have ended, for people. */
export function stagesText(run: Run): string {
  const { runId, stages } = run;
  if (stages.length === 0) {
    return `no stage of run ${runId} has ended yet`;
  }
  const shown = stages.map((result) => shownResult(result, run));
  return resultsTable(shown, bestOf(run)?.stage);
}

/** The stages, for programs. */
export function stagesJson(run: Run): object {
  const best = bestOf(run);
  return {
    runId: run.runId,
    ...(best && { bestStage: best.stage }),
    stages: run.stages.map((one) => StageResult.toJSON(one)),
  };
}

function shownResult(result: StageResult, run: Run): ShownResult {
  const { stage, learners, frozen, candidate, promoted } = result;
  const stageName = result.stageName === '' ? `generation-${stage}` : result.stageName;
  return {
    ...{ stage, stageName, decisive: decisiveOf(result, run), promotes: candidate !== '', promoted },
    learners: Object.fromEntries(learners.map(({ participant, best }) => [participant, shownBest(best)])),
    frozen: toFrozenScores(frozen),
  };
}

function shownBest(best: BestParams | undefined): ShownResult['learners'][string] {
  const { step, validation, test } = best ?? { step: 0, validation: undefined, test: undefined };
  return { step, validation: toScore(validation), ...(test && { test: toScore(test) }) };
}
