import { expect, test } from 'vitest';
import { endpointAddress } from './outside-spec.js';
import { RunSpec } from './run-spec.js';

const at = (address: string, tls: boolean) => ({ kind: 'address', address, tls });

test.each([
  ['triton', { kind: 'registered', name: 'triton' }],
  ['triton:8001', at('triton:8001', false)],
  ['grpc://10.0.0.7:8001', at('10.0.0.7:8001', false)],
  ['[::1]:8001', at('[::1]:8001', false)],
  ['https://models.example.org', at('models.example.org:443', true)],
  ['https://models.example.org/', at('models.example.org:443', true)],
  ['grpcs://models.example.org:8443', at('models.example.org:8443', true)],
  ['http://models.example.org:80', undefined],
  ['unix:/run/secret.sock', undefined],
  ['grpc://unix:/run/secret.sock', undefined],
  ['dns://8.8.8.8/models.example.org:443', undefined],
  ['https://user:password@models.example.org', undefined],
  ['https://models.example.org/v2/models', undefined],
  ['models.example.org:99999', undefined],
  ['models.example.org:443\n', undefined],
  ['', undefined],
])('%j is an endpoint, or none', (text, expected) => {
  expect(endpointAddress(text)).toEqual(expected);
});

const model = { kind: 'plain-cnn', channels: [4] };
const base = { name: 'r', data: { kind: 'synthetic' }, epochs: 1 };
const student = { model };

/** The mistakes in a spec, each with its path. */
function mistakesOf(more: object): readonly string[] {
  const { error } = RunSpec.safeParse({ ...base, student, ...more });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}
const teacher = (settings: object, method: object | string = 'kd') => mistakesOf({ method, teacher: settings });

test.each([
  { run: 'first' },
  { run: 'first', stage: 'teacher', participant: 'teacher', at: 'last' },
  { file: '/models/teacher.safetensors', sha256: 'a'.repeat(64), format: 'timm' },
  { weights: 'teacher' },
])('a teacher is frozen with the params of %j', (from) => {
  expect(teacher({ model, from })).toEqual([]);
});

test('a teacher at an endpoint has no network in the spec', () => {
  const from = { endpoint: 'grpc://triton:8001', model: 'resnet' };
  expect(teacher({ from })).toEqual([]);
  expect(teacher({ model, from })).toEqual(['teacher.model: the server at an endpoint has the network: leave it out']);
  expect(teacher({ from: { ...from, endpoint: 'triton', layout: 'nchw', pixels: 'raw', rows: 8 } })).toEqual([]);
  expect(teacher({ from: { ...from, endpoint: 'grpc://user:secret@triton:8001' } })).toEqual([
    expect.stringMatching(/^teacher\.from.*: expected host:port/),
  ]);
});

test('mistakes are those of the section that is meant', () => {
  expect(teacher({ model, from: { file: '/x', sha: '1' } })).toEqual([expect.stringMatching(/^teacher\.from: .*sha/)]);
  expect(teacher({ model, from: {} })).toEqual([
    'teacher.from: expected a section with run, file, weights or endpoint',
  ]);
  expect(teacher({ model, from: { weights: 'big', head: 'fresh' } })).toEqual([expect.stringContaining('head')]);
  expect(mistakesOf({ method: 'ce', student: { model, init: { weights: 'big', head: 'fresh' } } })).toEqual([]);
  expect(mistakesOf({ method: 'ce', student: { model, init: { endpoint: 'http://a', model: 'b' } } })).toEqual([
    'student.init: an endpoint only answers: no learner can start from it',
  ]);
});

test('a frozen model from outside needs its network', () => {
  expect(teacher({ from: { weights: 'big' } })).toEqual([expect.stringMatching(/^teacher\.model: missing/)]);
  const frozen = { old: { from: { weights: 'big' } } };
  const stages = [{ name: 'only', learners: { net: { model } }, frozen }];
  expect(mistakesOf({ student: undefined, stages })).toEqual([
    expect.stringMatching(/^stages\.0\.frozen\.old.*missing/),
  ]);
});

test.each([
  ['online-kd', 'the method online-kd trains its teacher'],
  ['dml', 'the method dml trains its teacher'],
  [{ kind: 'eskd', stops: 'teacher' }, 'the method eskd trains its teacher'],
])('a method that trains its teacher takes none that is frozen: %j', (method, message) => {
  expect(teacher({ model, from: { weights: 'big' } }, method)).toEqual([expect.stringContaining(message)]);
});

test('preprocessing has as many deviations as means, and belongs to frozen models', () => {
  const from = { weights: 'big' };
  expect(teacher({ model, from, preprocessing: { mean: [0.5], std: [0.5] } })).toEqual([]);
  expect(teacher({ model, from, preprocessing: { mean: [0.5], std: [0.5, 1] } })).toEqual([
    'teacher.preprocessing.std: expected 1 numbers, as in mean',
  ]);
  expect(teacher({ model, preprocessing: { mean: [0.5], std: [0.5] } })).toEqual([
    expect.stringMatching(/^teacher\.preprocessing: a teacher that trains/),
  ]);
});
