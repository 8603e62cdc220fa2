import { expect, test } from 'vitest';
import { RunSpec } from '../spec/run-spec.js';
import { mostReplicas } from './most-replicas.js';

const model = { kind: 'plain-cnn', channels: [4] };
const common = { name: 'trial', data: { kind: 'synthetic' }, batchSize: 32, epochs: 2 };
const most = (more: object) => mostReplicas(RunSpec.parse({ ...common, ...more }));

test('a slot has as many replicas as the learner with the most of them', () => {
  expect(most({ method: 'kd', student: { model, replicas: 4 }, teacher: { model } })).toEqual({
    student: 4,
    teacher: 1,
  });
  const chain = { student: { model }, teacher: { model, replicas: 2 }, assistants: [{ model, replicas: 8 }] };
  expect(most({ method: 'takd', ...chain })).toEqual({ student: 1, teacher: 8 });
});

test('a slot without a learner counts as one', () => {
  expect(most({ method: 'ce', student: { model } })).toEqual({ student: 1, teacher: 1 });
});
