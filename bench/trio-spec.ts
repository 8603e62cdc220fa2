import type { Dataset } from '@trikd/core/data/split';
import type { Params } from '@trikd/core/models/params';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { learnerOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import { tracePredictor } from '@trikd/core/training/role-program';
import { PRESETS } from '@trikd/testing/specs/presets';
import { specFor } from '@trikd/testing/specs/spec-for';

/** What both sides of a comparison train. */
export interface TrioSettings {
  readonly studentDepth: number;
  readonly teacherDepth: number;
  readonly batchSize: number;
  readonly threads: number;
  readonly classes: number;
}

export const TRIO: TrioSettings = { studentDepth: 20, teacherDepth: 56, batchSize: 128, threads: 2, classes: 100 };

/** The trio as a run, as the PyTorch peer has it. */
export function trioSpec(settings: TrioSettings): RunSpec {
  return specFor('resnet trio', changesOf(settings));
}

/** The student alone, on cross-entropy. */
export function soloSpec(settings: TrioSettings): RunSpec {
  const { student, teacher, ...changes } = changesOf(settings);
  const objective = [{ kind: 'task' as const }];
  return specFor('resnet trio', { ...changes, student: { ...student, objective }, teacher: { ...teacher, objective } });
}

function changesOf({ studentDepth, teacherDepth, batchSize, threads, classes }: TrioSettings) {
  const model = (depth: number) => ({ model: { kind: 'resnet' as const, depth, width: 16 } });
  return {
    data: { ...PRESETS['resnet trio'].data, classes },
    batchSize,
    engine: { threads },
    student: model(studentDepth),
    teacher: model(teacherDepth),
  };
}

/** Params of an anchor that has learned nothing: it costs the same. */
export function freshAnchor(spec: RunSpec, dataset: Dataset): Params {
  const { model } = learnerOf(stageAt(spec, 1, true), 'student');
  const { variables } = tracePredictor({ spec, dataset }, model);
  return new Map(
    [...variables].map(([name, { shape, initial }]) => [name, { dtype: 'float32', shape, data: initial }]),
  );
}
