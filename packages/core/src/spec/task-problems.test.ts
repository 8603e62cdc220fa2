import { expect, test } from 'vitest';
import { DataSpec } from './data-spec.js';
import { RunSpec } from './run-spec.js';
import { taskProblems } from './task-problems.js';

const problemsOf = (task: 'classification' | 'verification' | undefined, data: object) =>
  taskProblems({ task, data: DataSpec.parse(data) }).map(({ path, message }) => `${path.join('.')}: ${message}`);

test('classification learns from data with the same classes in every split, verification from data that are split by identity', () => {
  expect(problemsOf(undefined, { kind: 'synthetic' })).toEqual([]);
  expect(problemsOf('classification', { kind: 'idx' })).toEqual([]);
  expect(problemsOf('verification', { kind: 'synthetic-identities' })).toEqual([]);
  expect(problemsOf('verification', { kind: 'idx', split: 'identities' })).toEqual([]);
});

test('verification of data that are not split by identity is refused with the setting that splits them', () => {
  const needs = 'verification needs other identities in validation and test than in training';
  expect(problemsOf('verification', { kind: 'idx' })).toEqual([`data.split: ${needs}: set it to identities`]);
  expect(problemsOf('verification', { kind: 'images', folder: '/faces', size: [8, 8] })).toEqual([
    `data.split: ${needs}: set it to identities`,
  ]);
  expect(problemsOf('verification', { kind: 'synthetic' })).toEqual([`data.kind: ${needs}: take synthetic-identities`]);
});

test.each([{ kind: 'synthetic-identities' }, { kind: 'idx', split: 'identities' }])(
  'classification of identities is refused: %j',
  (data) => {
    expect(problemsOf(undefined, data)).toEqual([
      'task: classification knows the classes of training alone, and these data have other identities in validation and test: set task to verification',
    ]);
  },
);

test('a spec with such a task is none', () => {
  const student = { model: { kind: 'plain-cnn', channels: [2] } };
  const written = { name: 'r', method: 'ce', data: { kind: 'synthetic' }, epochs: 1, student };
  expect(RunSpec.safeParse({ ...written, task: 'verification' }).error?.issues.map(({ path }) => path)).toEqual([
    ['data', 'kind'],
  ]);
  const identities = { ...written, data: { kind: 'synthetic-identities' }, task: { kind: 'verification' } };
  expect(RunSpec.parse(identities).task).toMatchObject({ kind: 'verification', embedding: 128 });
});
