import { expect, test } from 'vitest';
import { ANY_ENDPOINT, endpointProblems } from './endpoint-access.js';
import { RunSpec } from './run-spec.js';

const model = { kind: 'plain-cnn', channels: [4] };
const base = { name: 'r', data: { kind: 'synthetic' }, epochs: 1 };
const specOf = (endpoint: string) =>
  RunSpec.parse({ ...base, method: 'kd', student: { model }, teacher: { from: { endpoint, model: 'resnet' } } });

test('registered endpoints are asked by name, and addresses only where they are allowed', () => {
  expect(endpointProblems(specOf('triton'), { names: ['triton'], addresses: false })).toEqual([]);
  expect(endpointProblems(specOf('https://models.example.org'), ANY_ENDPOINT)).toEqual([]);
  expect(endpointProblems(specOf('10.0.0.1:8001'), { names: ['triton'], addresses: false })).toEqual([
    {
      field: 'teacher.from.endpoint',
      description: 'this service asks no address that a spec names: name an endpoint, one of triton',
    },
  ]);
  expect(endpointProblems(specOf('kserve'), { names: ['triton'], addresses: true })[0]?.description).toBe(
    'this service has no endpoint kserve: name one of triton',
  );
});

test('the fields of written stages are those of the file', () => {
  const frozen = { old: { from: { endpoint: 'triton', model: 'resnet' } } };
  const spec = RunSpec.parse({ ...base, stages: [{ name: 'only', learners: { net: { model } }, frozen }] });
  expect(endpointProblems(spec, ANY_ENDPOINT).map(({ field }) => field)).toEqual(['stages.0.frozen.old.from.endpoint']);
});
