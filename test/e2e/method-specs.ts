import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pytorchWeights } from '@trikd/core/export/pytorch-weights';
import { hears, type WrittenSpec } from '@trikd/testing/specs/presets';
import { randomModel } from '@trikd/testing/training/random-model';

const plainCnn = (...channels: number[]) => ({ model: { kind: 'plain-cnn' as const, channels } });

/** Stages of 48 steps, with a pair every 8. */
const settings: WrittenSpec = {
  name: 'm',
  data: { kind: 'synthetic', noise: 24 },
  batchSize: 32,
  epochs: 6,
  warmupSteps: 4,
  augment: { crop: 1 },
  checkpoint: { everyEpochs: 1 },
  curriculum: { generations: 2 },
  engine: { threads: 1 },
};
const alone = { ...settings, student: plainCnn(4, 4) };
const taught = { ...alone, teacher: plainCnn(8, 8) };

/** Weights files of PyTorch, for runs whose models come from outside. */
const models = mkdtempSync(join(tmpdir(), 'trikd-models-'));
const fileOf = (name: string) => join(models, `${name}.safetensors`);
const resnet = { kind: 'resnet', depth: 8, width: 4, padding: 'symmetric' } as const;

/** Writes the files that some of the runs start from. */
export async function makeWeights(): Promise<{ readonly remove: () => void }> {
  // The student's file has other classes than the runs.
  for (const [name, model, classes] of [
    ['teacher', resnet, undefined],
    ['student', plainCnn(4, 4).model, 7],
  ] as const) {
    const data = { kind: 'synthetic', ...(classes && { classes }) } as const;
    const { graph } = await randomModel({ model, data });
    writeFileSync(fileOf(name), pytorchWeights(graph));
  }
  return { remove: () => rmSync(models, { recursive: true }) };
}

const hint = (from: string) => ({ kind: 'distillation' as const, from, weight: 0.5 });

/** A run of each method, and of its variants. */
export const METHODS = {
  ce: { ...alone, method: 'ce' },
  kd: { ...taught, method: 'kd' },
  'kd from a file, for a student that starts from another one': {
    ...settings,
    method: 'kd',
    student: { ...plainCnn(4, 4), init: { file: fileOf('student'), head: 'fresh' } },
    teacher: { model: resnet, from: { file: fileOf('teacher') }, preprocessing: { mean: [0.4], std: [0.25] } },
  },
  'online-kd': { ...taught, method: 'online-kd' },
  dml: { ...taught, method: 'dml' },
  'eskd, a short teacher': { ...taught, method: { kind: 'eskd', after: 0.5 } },
  'eskd, a short hint': { ...taught, method: { kind: 'eskd', stops: 'hint', after: 0.5 } },
  sckd: { ...taught, method: 'sckd' },
  takd: { ...taught, method: 'takd', assistants: [plainCnn(6, 6), plainCnn(4, 6)] },
  'born-again': { ...alone, method: 'born-again' },
  'label-anchor': { ...taught, method: 'label-anchor' },
  'trikd with an anchor from kd that teaches the teacher': {
    ...taught,
    method: { kind: 'trikd', firstAnchor: 'kd', anchorTeaches: 'teacher' },
  },
  'trikd with other losses, gates, schedules and learned temperatures': {
    ...settings,
    student: {
      ...plainCnn(4, 4),
      objective: [
        { kind: 'task' },
        { ...hint('anchor'), loss: { kind: 'dkd' }, gate: { kind: 'params-similarity' } },
        { ...hint('teacher'), temperature: { learned: true }, gate: { kind: 'logits-similarity' } },
      ],
    },
    teacher: {
      ...plainCnn(8, 8),
      objective: [
        ...hears(0.1, 0)!,
        {
          ...hint('student'),
          weight: {
            points: [
              [0, 0.2],
              [0.5, 0],
            ],
          },
        },
      ],
    },
  },
  'trikd for verification': {
    ...taught,
    task: { kind: 'verification', embedding: 16, margin: { kind: 'arcface', margin: 0.2, scale: 16 } },
    data: { kind: 'synthetic-identities', noise: 24 },
  },
  'stages that are written out': {
    ...settings,
    stages: [
      { name: 'first', learners: { teacher: plainCnn(8, 8) }, epochs: 3 },
      {
        name: 'second',
        learners: { pupil: plainCnn(4, 4), tutor: { ...plainCnn(8, 4), objective: [{ kind: 'task' }, hint('pupil')] } },
      },
      {
        name: 'third',
        frozen: {
          large: { stage: 'first', participant: 'teacher', at: 'last' },
          small: { stage: 'second', participant: 'tutor' },
        },
        learners: {
          pupil: {
            ...plainCnn(4, 4),
            init: { stage: 'second', participant: 'pupil' },
            objective: [{ kind: 'task', weight: 0.2 }, hint('large'), hint('small')],
          },
        },
      },
    ],
  },
} satisfies Record<string, WrittenSpec>;

export type MethodRun = keyof typeof METHODS;
