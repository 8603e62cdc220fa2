import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { hears } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { reference, resultOf } from './outcome.js';
import { run, scratch } from './trikd.js';

const tiny = writtenSpec('two generations');

const { student, teacher } = tiny;
const task = [{ kind: 'task' as const }];
const taskAndAnchor = hears(1, 1)!.filter((term) => term.kind === 'task' || term.from === 'anchor');
const taskAndPeer = hears(1, 1)!.filter((term) => term.kind === 'task' || term.from === 'peer');

const specs: Readonly<Record<string, Partial<WrittenSpec>>> = {
  'no exchange at all, one validation at the end': {
    student: { ...student, objective: task },
    teacher: { ...teacher, objective: task },
    evaluation: { everyEpochs: 5 },
  },
  'hints one way only, a window of 1, a learning rate in steps without a limit of the gradient': {
    student: { ...student, objective: taskAndPeer, clipNorm: null },
    teacher: { ...teacher, objective: task, clipNorm: null },
    schedule: { kind: 'multistep', milestones: [0.5, 0.9], factor: 0.5 },
    exchange: { window: 1 },
  },
  'no peer but an anchor, a window of 64, two threads': {
    student: { ...student, objective: taskAndAnchor },
    teacher: { ...teacher, objective: taskAndAnchor },
    exchange: { window: 64 },
    engine: { threads: 2 },
  },
  'a teacher that learns from the student, and no model from it': {
    student: { ...student, objective: task },
    teacher: { ...teacher, objective: taskAndPeer },
    exchange: { window: 1 },
    schedule: { kind: 'constant' },
  },
  'all images in one batch': {
    batchSize: 256,
    epochs: 24,
    warmupSteps: 0,
  },
  'one epoch, one generation, AdamW': {
    epochs: 1,
    batchSize: 8,
    student: { ...student, optimizer: { kind: 'adamw' }, learningRate: 0.01 },
    teacher: { ...teacher, optimizer: { kind: 'adamw' }, learningRate: 0.01 },
    evaluation: { everyEpochs: 2 },
    curriculum: { generations: 1 },
  },
  'promotion only of what is better, a run that ends by its patience': {
    curriculum: { generations: 4, promotion: 'if-better', patience: 1, minDelta: 0.5 },
  },
};

test('a later student that answers like chance is not promoted, and the run goes on', async () => {
  const folder = scratch();
  const spec = {
    ...tiny,
    data: { kind: 'synthetic', noise: 56 },
    epochs: 1,
    curriculum: { generations: 3 },
  } satisfies WrittenSpec;
  const [ended, expected] = await Promise.all([run(folder, spec), reference(spec)]);
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  expect(expected.map(({ promoted }) => promoted)).toEqual([true, false, false]);
  expect(expected[1]?.learners['student']?.best.validation.metrics['accuracy']).toBeLessThan(0.4);
  expect(expected[2]?.frozen?.['anchor']?.validation).toEqual(expected[0]?.learners['student']?.best.validation);
  expect(resultOf(ended).generations).toEqual(expected);
});

test.for(Object.entries(specs))('equals the one-process reference: %s', async ([, changes]) => {
  const folder = scratch();
  const spec = { ...tiny, ...changes };
  const [ended, expected] = await Promise.all([run(folder, spec), reference(spec)]);
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  expect(resultOf(ended)).toEqual({ phase: 'completed', generations: expected });
});
