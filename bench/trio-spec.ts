import { type Dataset, splitDataset } from '@trikd/core/data/split';
import { syntheticSource } from '@trikd/core/data/synthetic';
import type { Params } from '@trikd/core/models/params';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { traceAnchor } from '@trikd/core/training/role-program';

/** What both sides of a comparison train. */
export interface TrioSettings {
  readonly studentDepth: number;
  readonly teacherDepth: number;
  readonly batchSize: number;
  readonly threads: number;
  readonly classes: number;
}

export const TRIO: TrioSettings = { studentDepth: 20, teacherDepth: 56, batchSize: 128, threads: 2, classes: 100 };

const RESTS_ONLY_WHEN_TOLD = 1000;

/** The trio as a run: 32x32x3 images, all six terms at T = 4, no augmentation, clipping at 5, as the PyTorch peer has it. */
export function trioSpec(settings: TrioSettings): RunSpec {
  const hints = ['anchor', 'peer'].map((from) => ({ kind: 'distillation', from, weight: 1, temperature: 4 }));
  return specOf(settings, [{ kind: 'task' }, ...hints]);
}

/** The student alone, on cross-entropy. */
export function soloSpec(settings: TrioSettings): RunSpec {
  return specOf(settings, [{ kind: 'task' }]);
}

function specOf(settings: TrioSettings, objective: readonly object[]): RunSpec {
  const role = (depth: number) => ({ model: { kind: 'resnet', depth, width: 16 }, objective, learningRate: 0.01 });
  return RunSpec.parse({
    name: 'bench',
    data: {
      kind: 'synthetic',
      height: 32,
      width: 32,
      channels: 3,
      classes: settings.classes,
      train: 1024,
      validation: 128,
      test: 128,
    },
    augment: { crop: 0, flip: false },
    batchSize: settings.batchSize,
    epochs: RESTS_ONLY_WHEN_TOLD,
    warmupSteps: 0,
    schedule: { kind: 'constant' },
    student: role(settings.studentDepth),
    teacher: role(settings.teacherDepth),
    evaluation: { everyEpochs: RESTS_ONLY_WHEN_TOLD },
    checkpoint: { everyEpochs: RESTS_ONLY_WHEN_TOLD },
    engine: { threads: settings.threads },
  });
}

export function datasetOf({ data, seed }: RunSpec): Dataset {
  if (data.kind !== 'synthetic') throw new Error('the benchmark trains on synthetic data');
  return splitDataset(syntheticSource(data, seed), data, seed);
}

/** Params of an anchor that has learned nothing: it costs the same. */
export function freshAnchor(spec: RunSpec, dataset: Dataset): Params {
  const { variables } = traceAnchor({ spec, dataset, generation: 1 });
  return new Map(
    [...variables].map(([name, { shape, initial }]) => [name, { dtype: 'float32', shape, data: initial }]),
  );
}
