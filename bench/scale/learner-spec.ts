import { newRun } from '@trikd/core/spec/new-run';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { specFor } from '@trikd/testing/specs/spec-for';

/** What a measured learner trains: a ResNet for small images. */
export interface LearnerSettings {
  readonly depth: number;
  /** Channels of the first stage. */
  readonly width: number;
  readonly batchSize: number;
  readonly classes: number;
  /** Of an image, in pixels; default 32. */
  readonly side?: number;
}

/** A new run whose student learns from labels alone, with flips and crops. */
export function specOf({ depth, width, batchSize, classes, side = 32 }: LearnerSettings): RunSpec {
  const model = { kind: 'resnet' as const, depth, width };
  const objective = [{ kind: 'task' as const }];
  const spec = specFor('resnet trio', {
    data: {
      kind: 'synthetic',
      ...{ height: side, width: side, channels: 3, classes },
      ...{ train: 4 * batchSize, validation: batchSize, test: batchSize },
    },
    augment: { crop: 4, flip: true },
    batchSize,
    student: { model, objective },
    teacher: { model, objective },
  });
  return newRun(spec);
}
