import { hears, type WrittenSpec } from '@trikd/testing/specs/presets';

/**
 * Three generations of about `seconds` each, of which the first two are promoted to train the next one, on one core: long enough to be struck, with a pair of checkpoints about every second.
 * Synthetic data, which every image can make.
 */
export function lastingSpec(name: string, seconds: number): WrittenSpec {
  return {
    name,
    data: { kind: 'synthetic', height: 16, width: 16, train: 256, validation: 64, test: 64, noise: 24 },
    batchSize: 32,
    epochs: 4 * seconds,
    warmupSteps: 8,
    student: { model: { kind: 'plain-cnn', channels: [8, 16] }, objective: hears() },
    teacher: { model: { kind: 'plain-cnn', channels: [16, 32] }, objective: hears(0.1, 0.1) },
    evaluation: { everyEpochs: 4 },
    checkpoint: { everyEpochs: 4 },
    curriculum: { generations: 3 },
    engine: { threads: 1 },
  };
}
