import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { z } from 'zod';

/** A spec as its author writes it: defaults left out. */
export type WrittenSpec = z.input<typeof RunSpec>;

/** A spec with a student and a teacher. */
export type WrittenPair = WrittenSpec & { readonly student: WrittenRole; readonly teacher: WrittenRole };
export type WrittenRole = NonNullable<WrittenSpec['student']>;

const plainCnn = (...channels: number[]) => ({ kind: 'plain-cnn' as const, channels });

/** Terms of an objective with distillation from both other models. */
export function hears(anchor = 1, peer = 1, temperature?: number): NonNullable<WrittenRole['objective']> {
  const at = temperature === undefined ? {} : { temperature };
  return [
    { kind: 'task' },
    { kind: 'distillation', from: 'anchor', weight: anchor, ...at },
    { kind: 'distillation', from: 'peer', weight: peer, ...at },
  ];
}

const alone: WrittenRole = { model: plainCnn(4), objective: [{ kind: 'task' }] };
const both: WrittenRole = { model: plainCnn(4), objective: hears() };

/** 12 steps a stage, 4 an epoch, on images of 8x8 in 4 classes. */
const tiny: WrittenPair = {
  name: 'tiny',
  data: { kind: 'synthetic', train: 64, validation: 24, test: 20, noise: 32 },
  batchSize: 16,
  epochs: 3,
  warmupSteps: 2,
  student: { model: plainCnn(4), objective: hears(0.5, 0.5, 2) },
  teacher: { model: plainCnn(4, 4), objective: hears(0.5, 0.5, 2) },
  checkpoint: { everyEpochs: 1 },
  engine: { threads: 1 },
};

const NEVER = 1000;
const resnet = (depth: number): WrittenRole => ({
  model: { kind: 'resnet', depth, width: 16 },
  objective: hears(1, 1, 4),
  learningRate: 0.01,
});

/** The runs that tests and measurements train. */
export const PRESETS = {
  /** The least that a spec must say; both models learn from labels alone. */
  bare: { name: 'trial', data: { kind: 'synthetic' }, epochs: 2, student: alone, teacher: alone },
  tiny,
  /** As `tiny`, but the student learns from labels alone. */
  'tiny, student alone': { ...tiny, student: alone },
  /** Two stages of 24 steps: seconds, most of them for starting the services. */
  'two stages': {
    name: 'tiny',
    data: { kind: 'synthetic', noise: 24 },
    batchSize: 32,
    epochs: 3,
    warmupSteps: 4,
    augment: { crop: 1 },
    student: { model: plainCnn(4, 4), objective: hears() },
    teacher: { model: plainCnn(8, 8), objective: hears(0.1, 0.1) },
    curriculum: { generations: 2 },
    engine: { threads: 1 },
  },
  /** Three stages of eight epochs, a pair of checkpoints every two. */
  'three stages': {
    name: 'trial',
    data: { kind: 'synthetic' },
    epochs: 8,
    student: both,
    teacher: both,
    evaluation: { everyEpochs: 2 },
    checkpoint: { everyEpochs: 2 },
    curriculum: { generations: 3 },
  },
  /** 256 images in batches of 16, two epochs: 32 steps. */
  '32 steps': {
    name: 'r',
    data: { kind: 'synthetic' },
    batchSize: 16,
    epochs: 2,
    student: both,
    teacher: both,
    exchange: { window: 2, stepTimeout: 20 },
  },
  /** Two stages of 256 steps; a checkpoint every 32, which is longer than it takes to store one. */
  '1024 images': {
    name: 'trial',
    data: { kind: 'synthetic', train: 1024, validation: 128, test: 128 },
    batchSize: 128,
    epochs: 32,
    warmupSteps: 8,
    checkpoint: { everyEpochs: 4 },
    evaluation: { everyEpochs: 8 },
    student: { model: plainCnn(4, 4), objective: hears() },
    teacher: { model: plainCnn(8, 8), objective: hears(0.1, 0.1) },
    curriculum: { generations: 2 },
    exchange: { stepTimeout: 3 },
    engine: { threads: 1 },
  },
  /** 16 steps an epoch; a checkpoint every 64 steps, a validation every 320. */
  soak: {
    name: 'soak',
    data: { kind: 'synthetic', train: 1024, height: 16, width: 16 },
    batchSize: 64,
    epochs: 200,
    checkpoint: { everyEpochs: 4 },
    evaluation: { everyEpochs: 20 },
    student: { model: plainCnn(8, 8), objective: hears() },
    teacher: { model: plainCnn(16, 16), objective: hears() },
    engine: { threads: 1 },
  },
  /** Images of 32x32x3, all six terms at T = 4, no augmentation; neither validation nor checkpoint comes in between. */
  'resnet trio': {
    name: 'bench',
    data: {
      kind: 'synthetic',
      height: 32,
      width: 32,
      channels: 3,
      classes: 100,
      train: 1024,
      validation: 128,
      test: 128,
    },
    augment: { crop: 0, flip: false },
    batchSize: 128,
    epochs: NEVER,
    warmupSteps: 0,
    schedule: { kind: 'constant' },
    student: resnet(20),
    teacher: resnet(56),
    evaluation: { everyEpochs: NEVER },
    checkpoint: { everyEpochs: NEVER },
    engine: { threads: 2 },
  },
} as const satisfies Readonly<Record<string, WrittenPair>>;

export type Preset = keyof typeof PRESETS;
