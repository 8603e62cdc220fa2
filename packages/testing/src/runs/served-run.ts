import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { Params } from '@trikd/core/models/params';
import type { ModelSpec } from '@trikd/core/models/registry';
import type { StageResult, Training } from '@trikd/core/run/state';
import { promote } from '@trikd/core/run/stored/anchor-pointer';
import { createRun, saveRun } from '@trikd/core/run/stored/run-store';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { tracePredictor } from '@trikd/core/training/role-program';
import { datasetFor } from '../specs/spec-for.js';

/** A run whose stages have ended, without training: the params of each are others. */
export interface EndedStages {
  /** Params of a learner by stage. */
  readonly params: Readonly<Record<'student' | 'teacher', readonly Params[]>>;
  /** Moves the pointer to the student of a generation. */
  promote(stage: number): Promise<void>;
}

/** Stores a run that trains its last generation: the others have ended, and the first one was promoted. */
export async function storeEndedStages(
  store: ObjectStore,
  spec: RunSpec,
  /** Of stages that have ended. */
  count: number,
): Promise<EndedStages> {
  const dataset = datasetFor(spec);
  const created = await createRun(store, spec);
  const stages = stagesOf(spec).slice(0, count);
  const params = { student: [] as Params[], teacher: [] as Params[] };
  const results: StageResult[] = [];
  for (const { index, learners } of stages) {
    const validation = { metrics: { accuracy: 0.5 + index / 100, nll: 1 }, examples: dataset.validation.count };
    const own: Record<string, StageResult['learners'][string]> = {};
    for (const { name, model } of learners) {
      const made = paramsOf(spec, model, index);
      if (name === 'student' || name === 'teacher') params[name].push(made);
      const attempt = { runId: spec.name, stage: index, attempt: 1 };
      const blob = await saveParams(store, blobsFolder(attempt), made);
      own[name] = { best: { step: 1, validation, params: blob }, stateSha256: blob.sha256 };
    }
    const pair = { step: 1, manifestKey: 'runs/none' };
    results.push({ stage: index, steps: 1, learners: own, candidate: 'student', promoted: true, pair });
  }
  const studentOf = (stage: number): Blob => results[stage]!.learners['student']!.best.params;
  const state: Training = {
    ...{ phase: 'training', stage: count, attempt: 1, results, moves: [], losses: 0, pairs: [] },
    anchor: { stage: count - 1, params: studentOf(count - 1) },
    facts: { datasetDigest: dataset.digest, classes: dataset.classes, totalSteps: 4, stepsPerEpoch: 2 },
  };
  await saveRun(store, created, { state });
  const move = (stage: number) => promote(store, spec.name, { stage, params: studentOf(stage) }, 1);
  await move(0);
  return { params, promote: move };
}

/** Fresh params, moved a little further with each stage. */
function paramsOf(spec: RunSpec, model: ModelSpec, stage: number): Params {
  const { variables } = tracePredictor({ spec, dataset: datasetFor(spec) }, model);
  return new Map(
    [...variables.values()].map(({ name, shape, initial }) => {
      const data = initial.map((value, at) => value + 0.01 * stage * ((at % 5) + 1));
      return [name, { dtype: 'float32', shape, data }];
    }),
  );
}
