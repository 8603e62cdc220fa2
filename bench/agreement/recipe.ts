import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allPixels, type LabelledImages } from '@trikd/core/data/image-source';
import type { Dataset } from '@trikd/core/data/split';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { type Frozen, isRemote, type Learner, type Stage } from '@trikd/core/stages/stage';

/** A method whose training is repeated in PyTorch. */
export type Compared = 'kd' | 'trikd';

const EPOCHS = 12;
const CROP = 2;

/**
 * What both sides train: ResNets of the CIFAR kind, padded as PyTorch pads, on 2,000 images of Fashion-MNIST, one thread each.
 * The teacher is twice as wide. TriKD has two generations, with the anchor in the second.
 */
export function comparedSpec(method: Compared, seed: number, learningRate = 0.05): RunSpec {
  const model = (width: number) => ({ kind: 'resnet', depth: 8, width, padding: 'symmetric' });
  const role = (width: number) => ({
    model: model(width),
    learningRate,
    clipNorm: 5,
  });
  return RunSpec.parse({
    name: `agreement-${method}`,
    seed,
    data: { kind: 'idx', train: 2000, validation: 2000 },
    augment: { crop: CROP, flip: true },
    batchSize: 100,
    epochs: EPOCHS,
    warmupSteps: 20,
    evaluation: { everyEpochs: 3 },
    method,
    student: role(8),
    teacher: role(16),
    curriculum: { generations: method === 'trikd' ? 2 : 1 },
    engine: { threads: 1 },
  });
}

/** The settings of a learner as the program in Python reads them. */
function writtenLearner({ name, model, objective, optimizer, learningRate, clipNorm }: Learner) {
  if (optimizer.kind !== 'sgd') throw new TypeError(`the program in Python has no optimizer ${optimizer.kind}`);
  const terms = objective.map((term) => {
    const plain = term.kind === 'task' ? [term.weight] : [term.weight, term.temperature];
    if (plain.some((value) => typeof value !== 'number')) throw new TypeError('the program in Python has no schedules');
    return term.kind === 'task' ? { ...term } : { ...term, loss: undefined };
  });
  const { momentum, weightDecay } = optimizer;
  return { name, model, objective: terms, momentum, weightDecay, learningRate, clipNorm };
}

/** @param before the stage before; absent where the params of frozen models are given */
function writtenFrozen(frozen: Frozen, before: Stage | undefined) {
  if (isRemote(frozen)) throw new TypeError('the program in Python asks no other server');
  const { name, model, from } = frozen;
  const promoted = before && { stage: before.name, participant: before.decisive };
  return { name, model, ...(from === 'promoted' ? promoted : from) };
}

/** Writes what both modes of the program need. */
export function writeRecipe(
  folder: string,
  spec: RunSpec,
  dataset: Dataset,
  stages: readonly Stage[],
  rest: Readonly<Record<string, unknown>>,
): void {
  const { height, width, channels, classes, mean, std } = dataset;
  const recipe = {
    ...{ height, width, channels, classes, mean, std, threads: spec.engine.threads, seed: spec.seed },
    ...{ batchSize: spec.batchSize, epochs: spec.epochs, warmupSteps: spec.warmupSteps, cropPadding: CROP },
    precision: 'float32',
    validateEvery: spec.evaluation.everyEpochs,
    stages: stages.map((stage, index) => ({
      name: stage.name,
      learners: stage.learners.map(writtenLearner),
      frozen: stage.frozen.map((each) => writtenFrozen(each, stages[index - 1])),
    })),
    ...rest,
  };
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
}

/** Writes a split as raw arrays: pixels of 8 bits and labels of 32. */
export function writeSplit(folder: string, name: string, images: LabelledImages): void {
  writeFileSync(join(folder, `${name}.images`), allPixels(images));
  writeFileSync(join(folder, `${name}.labels`), Int32Array.from(images.labels));
}
