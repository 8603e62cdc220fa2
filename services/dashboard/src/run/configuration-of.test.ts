import { expect, test } from 'vitest';
import { mainSettings } from './configuration-of.js';

const textsOf = (spec: object) => mainSettings(JSON.stringify(spec)).map(({ name, value }) => `${name}: ${value}`);

const role = (model: object) => ({
  model,
  learningRate: 0.05,
  optimizer: { kind: 'sgd', momentum: 0.9 },
  objective: [
    { kind: 'task', weight: 1 },
    { kind: 'distillation', from: 'anchor', weight: 0.5, temperature: 4 },
  ],
});
const spec = {
  ...{ name: 'tiny', seed: 7, data: { kind: 'synthetic' }, epochs: 20, batchSize: 32, curriculum: { generations: 3 } },
  student: role({ kind: 'plain-cnn', channels: [4, 8], hidden: [] }),
  teacher: role({ kind: 'resnet', depth: 8, width: 16 }),
};

test('the main settings are the method, the seed, the models, the learning rates and the objectives of a run', () => {
  expect(textsOf(spec)).toEqual([
    'Method: trikd',
    'Seed: 7',
    'Data: synthetic',
    'Epochs in a generation: 20',
    'Batch size: 32',
    'Generations: 3',
    'Student, model: plain-cnn, channels 4, 8',
    'Student, learning rate: 0.05',
    'Student, optimizer: sgd',
    'Student, objective: 1 × task + 0.5 × anchor at T = 4',
    'Teacher, model: resnet, depth 8, width 16',
    'Teacher, learning rate: 0.05',
    'Teacher, optimizer: sgd',
    'Teacher, objective: 1 × task + 0.5 × anchor at T = 4',
  ]);
});

test('an objective shows its schedules, and losses other than the default', () => {
  const objective = [
    {
      kind: 'task',
      weight: {
        byGeneration: [
          1,
          {
            points: [
              [0, 1],
              [1, 0],
            ],
          },
        ],
      },
    },
    {
      kind: 'distillation',
      from: 'peer',
      weight: {
        points: [
          [0, 0],
          [0.1, 2],
        ],
      },
      temperature: 4,
      loss: { kind: 'dkd' },
    },
  ];
  expect(textsOf({ ...spec, student: { ...spec.student, objective } })).toContain(
    'Student, objective: 1 | 1 → 0 × task + 0 → 2 × teacher (dkd) at T = 4',
  );
});

test('another method shows its knobs and stages, and the objective that it gives each learner', () => {
  const { objective: _, ...student } = spec.student;
  const method = { kind: 'kd', taskWeight: 0.2, weight: 0.8, temperature: 3 };
  expect(textsOf({ ...spec, method, student, teacher: student })).toEqual([
    'Method: kd, taskWeight 0.2, weight 0.8, temperature 3',
    'Seed: 7',
    'Data: synthetic',
    'Epochs in a stage: 20',
    'Batch size: 32',
    'Stages: teacher, student',
    'Teacher, model: plain-cnn, channels 4, 8',
    'Teacher, learning rate: 0.05',
    'Teacher, optimizer: sgd',
    'Teacher, objective: 1 × task',
    'Student, model: plain-cnn, channels 4, 8',
    'Student, learning rate: 0.05',
    'Student, optimizer: sgd',
    'Student, objective: 0.2 × task + 0.8 × teacher at T = 3',
  ]);
});

test('an objective says which temperatures are learned', () => {
  const objective = [{ kind: 'distillation', from: 'peer', weight: 1, temperature: { learned: true } }];
  expect(textsOf({ ...spec, student: { ...spec.student, objective } })).toContain(
    'Student, objective: 1 × teacher at T = learned',
  );
});

test('an unknown spec has no settings', () => expect(mainSettings('')).toEqual([]));
