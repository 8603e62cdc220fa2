import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dataset } from '@trikd/core/data/split';
import { runReference } from '@trikd/core/reference/reference';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { systemClock } from '@trikd/process/system-clock';
import { memoryBlobs } from '@trikd/testing/training/lone-ports';
import { trainInPyTorch } from './peer.ts';
import { writeRecipe, writeSplit } from './recipe.ts';

/** Test accuracy by `stage/learner`, each as it validated best. */
export type Accuracies = Readonly<Record<string, number>>;

/** Trains a run here, in one process: the params of `trikd run`. */
export async function trainHere(spec: RunSpec, dataset: Dataset): Promise<Accuracies> {
  const stages = stagesOf(spec);
  const results: [string, number][] = [];
  for await (const { stage, learners } of runReference({ spec, dataset, ...memoryBlobs(), clock: systemClock })) {
    for (const [name, { best }] of Object.entries(learners)) {
      results.push([`${stages[stage]!.name}/${name}`, best!.test!.metrics['accuracy']!]);
    }
  }
  return Object.fromEntries(results);
}

/** Trains the same recipe in PyTorch, from params, batches and augmentation of its own. */
export async function trainThere(python: string, spec: RunSpec, dataset: Dataset): Promise<Accuracies> {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-agreement-'));
  try {
    const { train, validation, test } = dataset;
    for (const [name, split] of Object.entries({ train, validation, test })) writeSplit(folder, name, split);
    const counts = { train: train.count, validation: validation.count, test: test.count };
    writeRecipe(folder, spec, dataset, stagesOf(spec), { mode: 'train', counts });
    const { accuracy } = (await trainInPyTorch(python, folder)) as { accuracy: Record<string, Accuracies> };
    const flat = Object.entries(accuracy).flatMap(([stage, learners]) => {
      return Object.entries(learners).map(([name, value]) => [`${stage}/${name}`, value] as const);
    });
    return Object.fromEntries(flat);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
