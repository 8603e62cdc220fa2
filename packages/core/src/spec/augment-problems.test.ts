import { expect, test } from 'vitest';
import { RunSpec } from './run-spec.js';

const model = { kind: 'plain-cnn', channels: [2] };

function problemsOf(settings: object): readonly string[] {
  const spec = {
    name: 'x',
    data: { kind: 'synthetic' },
    epochs: 1,
    student: { model },
    teacher: { model },
    ...settings,
  };
  const { error } = RunSpec.safeParse({ batchSize: 16, ...spec });
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

const objective = (kind: string) => [{ kind: 'task' }, { kind: 'distillation', from: 'peer', loss: { kind } }];

test('losses that know the label of a row are refused beside mixed images, by name', () => {
  for (const kind of ['dkd', 'nkd']) {
    const student = { model, objective: objective(kind) };
    expect(problemsOf({ student, augment: [{ kind: 'mixup' }] })).toEqual([
      `augment: an image has two labels after mixup, and the loss ${kind} needs one`,
    ]);
  }
  expect(problemsOf({ student: { model, objective: objective('kl') }, augment: [{ kind: 'mixup' }] })).toEqual([]);
});

test('verification is refused beside mixed images', () => {
  const data = { kind: 'synthetic-identities' };
  expect(problemsOf({ data, task: 'verification', augment: [{ kind: 'cutmix' }, { kind: 'mixup' }] })).toEqual([
    'augment: an image has two labels after cutmix and mixup, and the task verification needs one',
  ]);
});

test('a mistake in a section or in a list is named', () => {
  expect(problemsOf({ augment: { crop: -1 } })[0]).toMatch(/^augment\.crop: /);
  expect(problemsOf({ augment: { crp: 1 } })[0]).toMatch(/crp/);
  expect(problemsOf({ augment: [{ kind: 'flip' }, { kind: 'crop', padding: 0 }] })[0]).toMatch(
    /^augment\.1\.padding: /,
  );
  expect(problemsOf({ augment: [{ kind: 'cropp' }] })[0]).toMatch(/^augment\.0\.kind: |^augment: 0: kind: /);
});
