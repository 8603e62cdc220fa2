import type { WrittenSpec } from './trikd.js';

/** Terms of an objective that hears both other models. */
export function hears(anchor: number, peer: number): WrittenSpec['student']['objective'] {
  return [
    { kind: 'task' },
    { kind: 'distillation', from: 'anchor', weight: anchor },
    { kind: 'distillation', from: 'peer', weight: peer },
  ];
}

/** Two generations of 24 steps on made-up images: seconds, most of them for starting the services. */
export const tiny: WrittenSpec = {
  name: 'tiny',
  data: { kind: 'synthetic', noise: 24 },
  batchSize: 32,
  epochs: 3,
  warmupSteps: 4,
  augment: { crop: 1 },
  student: { model: { kind: 'plain-cnn', channels: [4, 4] }, objective: hears(1, 1) },
  teacher: { model: { kind: 'plain-cnn', channels: [8, 8] }, objective: hears(0.1, 0.1) },
  curriculum: { generations: 2 },
  engine: { threads: 1 },
};
