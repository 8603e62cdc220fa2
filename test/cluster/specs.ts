import { hears, type WrittenSpec } from '@trikd/testing/specs/presets';

/** In a cluster that is left running, runs of an earlier call exist. */
const CALL = Date.now().toString(36).slice(-5);

/**
 * Three generations, the first two of which are promoted, of 8 steps an epoch: about 10 epochs a second on two idle cores. Synthetic data,
 * which every image can make.
 */
export function lastingSpec(name: string, epochs: number): WrittenSpec {
  return {
    name: `${name}-${CALL}`,
    data: { kind: 'synthetic', height: 16, width: 16, train: 256, validation: 64, test: 64, noise: 24 },
    batchSize: 32,
    epochs,
    warmupSteps: 8,
    student: { model: { kind: 'plain-cnn', channels: [8, 16] }, objective: hears() },
    teacher: { model: { kind: 'plain-cnn', channels: [16, 32] }, objective: hears(0.1, 0.1) },
    evaluation: { everyEpochs: 4 },
    checkpoint: { everyEpochs: 4 },
    curriculum: { generations: 3 },
    engine: { threads: 1 },
  };
}
