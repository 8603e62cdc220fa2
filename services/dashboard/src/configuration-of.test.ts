import { generationsIn } from '@trikd/events/spec-text';
import { expect, test } from 'vitest';
import { mainSettings, specOf } from './configuration-of.js';

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

test('the main settings are the seed, the models, the learning rates and the objectives of a run', () => {
  expect(mainSettings(spec).map(({ name, value }) => `${name}: ${value}`)).toEqual([
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
  const settings = mainSettings({ ...spec, student: { ...spec.student, objective } });
  expect(settings.find(({ name }) => name === 'Student, objective')?.value).toBe(
    '1 | 1 → 0 × task + 0 → 2 × peer (dkd) at T = 4',
  );
});

test('an objective says which temperatures are learned', () => {
  const objective = [{ kind: 'distillation', from: 'peer', weight: 1, temperature: { learned: true } }];
  const settings = mainSettings({ ...spec, student: { ...spec.student, objective } });
  expect(settings.find(({ name }) => name === 'Student, objective')?.value).toBe('1 × peer at T = learned');
});

test('an unknown spec has no settings', () => {
  expect(specOf('')).toBeUndefined();
  expect(mainSettings(specOf(''))).toEqual([]);
  expect(generationsIn('')).toBeUndefined();
  expect(generationsIn(JSON.stringify(spec))).toBe(3);
});
