import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSafetensors } from '@trikd/core/checkpoint/safetensors';
import { makeBatch, totalSteps } from '@trikd/core/data/batch';
import type { Dataset } from '@trikd/core/data/split';
import type { Params } from '@trikd/core/models/params';
import { blobsFor, type ReferenceResult, runReference, runReferenceStage } from '@trikd/core/reference/reference';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { Learner, Stage } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import { traceTrainer } from '@trikd/core/training/role-program';
import { systemClock } from '@trikd/process/system-clock';
import { memoryBlobs } from '@trikd/testing/training/lone-ports';
import { trainInPyTorch } from './peer.ts';
import { writeRecipe } from './recipe.ts';

/** Weighted terms of each step, by learner. */
type Losses = Readonly<Record<string, readonly (readonly number[])[]>>;

export interface LossDifference {
  readonly steps: number;
  /** Largest relative difference of the loss of a step between here and PyTorch, by learner. */
  readonly largest: Readonly<Record<string, number>>;
  /** The same between float32 and float64 in PyTorch: what rounding alone grows into. */
  readonly control: Readonly<Record<string, number>>;
}

/**
 * Trains the first steps of the second stage on both sides, from the same params on the same batches, and compares the losses. The
 * frozen model of the stage is the one that the first stage trained here.
 */
export async function compareLosses(
  python: string,
  spec: RunSpec,
  dataset: Dataset,
  steps: number,
): Promise<LossDifference> {
  const blobs = memoryBlobs();
  const run = { spec, dataset, ...blobs, clock: systemClock };
  const first = (await runReference(run).next()).value as ReferenceResult;
  const stage = stageAt(spec, 1, true);
  const candidate = first.learners[stageAt(spec, 0, false).decisive]?.best?.params;
  const inputs = blobsFor(spec, stage, [first], candidate);
  const ours: Record<string, number[][]> = Object.fromEntries(stage.learners.map(({ name }) => [name, []]));
  const emit: Parameters<typeof runReferenceStage>[0]['emit'] = (slot, event) => {
    const { name } = stage.learners.find((learner) => learner.slot === slot)!;
    if (event.kind === 'progress') ours[name]!.push(event.progress.terms.map(({ value }) => value));
  };
  await runReferenceStage({ ...run, emit }, stage, inputs, steps);

  const folder = mkdtempSync(join(tmpdir(), 'trikd-agreement-'));
  try {
    for (const learner of stage.learners) {
      writeFileSync(
        join(folder, `${learner.name}.safetensors`),
        encodeSafetensors(freshParams(spec, dataset, stage, learner)),
      );
    }
    for (const { name } of stage.frozen) {
      writeFileSync(join(folder, `${name}.safetensors`), encodeSafetensors(await blobs.load(inputs[name]!)));
    }
    writeBatches(folder, spec, dataset, steps);
    const total = totalSteps(dataset.train.count, spec.batchSize, spec.epochs);
    const train = async (precision: string) => {
      writeRecipe(folder, spec, dataset, [stage], { mode: 'losses', steps, totalSteps: total, precision });
      return ((await trainInPyTorch(python, folder)) as { losses: Losses }).losses;
    };
    const [theirs, precise] = [await train('float32'), await train('float64')];
    return { steps, largest: largestDifferences(ours, theirs), control: largestDifferences(theirs, precise) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The params that a learner of a stage starts with. */
function freshParams(spec: RunSpec, dataset: Dataset, stage: Stage, learner: Learner): Params {
  const { variables } = traceTrainer({ spec, dataset }, stage, learner);
  const params = [...variables].filter(([, { kind }]) => kind !== 'slot');
  return new Map(params.map(([name, { shape, initial }]) => [name, { dtype: 'float32', shape, data: initial }]));
}

function writeBatches(folder: string, spec: RunSpec, dataset: Dataset, steps: number): void {
  const batches = Array.from({ length: steps }, (_, step) => makeBatch(dataset, spec, 1, step));
  writeFileSync(join(folder, 'images'), Buffer.concat(batches.map(({ images }) => images)));
  writeFileSync(join(folder, 'labels'), Buffer.concat(batches.map(({ labels }) => Buffer.from(labels.buffer))));
}

function largestDifferences(one: Losses, other: Losses): Readonly<Record<string, number>> {
  const sum = (terms: readonly number[]) => terms.reduce((all, value) => all + value, 0);
  const largest = Object.entries(one).map(([name, steps]) => {
    const others = (other[name] ?? []).map(sum);
    if (steps.length !== others.length) throw new Error(`${name} has ${steps.length} steps and ${others.length}`);
    return [name, Math.max(...steps.map(sum).map((value, i) => Math.abs(value / others[i]! - 1)))] as const;
  });
  return Object.fromEntries(largest);
}
