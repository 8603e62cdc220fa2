import type { Dataset } from '@trikd/core/data/split';
import type { Params } from '@trikd/core/models/params';
import { newRun } from '@trikd/core/spec/new-run';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { learnerOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import { tracePredictor } from '@trikd/core/training/role-program';
import { PRESETS } from '@trikd/testing/specs/presets';
import { specFor } from '@trikd/testing/specs/spec-for';
import type { Cell } from './cells.ts';
import { networksOf } from './networks.ts';

/** Whose convolutions trikd trains with. */
export type Kernels = NonNullable<RunSpec['engine']['kernels']>;

/** Threads of an operation, on every side of a comparison. */
export const THREADS = 2;

/**
 * The run of a cell, as PyTorch's side has it. A student alone learns from labels, and so would the teacher beside it, which is not started.
 * @param kernels default: those of a new run
 */
export function cellSpec({ models, batch: batchSize, classes, precision }: Cell, kernels?: Kernels): RunSpec {
  const { student, teacher } = networksOf(models);
  const { data } = PRESETS['resnet trio'];
  const alone = teacher === undefined ? { objective: [{ kind: 'task' as const }] } : {};
  const spec = specFor('resnet trio', {
    // At least one batch, and the labels of all classes.
    data: { ...data, classes, train: Math.max(data.train, batchSize, classes) },
    batchSize,
    engine: { threads: THREADS, precision, ...(kernels && { kernels }) },
    student: { model: student, ...alone },
    teacher: { model: teacher ?? student, ...alone },
  });
  return newRun(spec);
}

/** Params of an anchor that has learned nothing: it costs the same. */
export function freshAnchor(spec: RunSpec, dataset: Dataset): Params {
  const { model } = learnerOf(stageAt(spec, 1, true), 'student');
  const { variables } = tracePredictor({ spec, dataset }, model);
  return new Map(
    [...variables].map(([name, { shape, initial }]) => [name, { dtype: 'float32', shape, data: initial }]),
  );
}
