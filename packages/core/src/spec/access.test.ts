import { describe, expect, test } from 'vitest';
import { ANY_DATA, ANY_ENDPOINT, dataProblems, endpointProblems, weightsProblems } from './access.js';
import { DataSpec } from './data-spec.js';
import { RunSpec } from './run-spec.js';

describe('data access', () => {
  const idx = (setting: object) => DataSpec.parse({ kind: 'idx', ...setting });
  const named = { names: ['cifar', 'fashion-mnist'], paths: false };

  test.each([
    ['synthetic data', DataSpec.parse({ kind: 'synthetic' })],
    ['the data that are installed where a spec names none', idx({})],
    ['a registered dataset', idx({ name: 'cifar' })],
  ])('a service that reads no paths reads %s', (_what, data) => {
    expect(dataProblems(data, named)).toEqual([]);
  });

  test('a path is refused where paths are not allowed, and the names are told', () => {
    expect(dataProblems(idx({ folder: '/etc' }), named)).toEqual([
      {
        field: 'data.folder',
        description:
          'this service reads no path that a spec names: set data.name to a dataset, one of cifar, fashion-mnist',
      },
    ]);
    expect(dataProblems(idx({ folder: '/etc' }), { paths: false })[0]?.description).toMatch(
      /which its operator registers$/,
    );
  });

  test('a name that is not registered is refused, and the names are told', () => {
    expect(dataProblems(idx({ name: 'mnist' }), named)).toEqual([
      { field: 'data.name', description: 'this service has no dataset mnist: name one of cifar, fashion-mnist' },
    ]);
  });

  test('the owner of a machine may name any path and any name', () => {
    for (const data of [idx({ folder: '/data' }), idx({ name: 'mnist' })])
      expect(dataProblems(data, ANY_DATA)).toEqual([]);
  });

  test('a dataset has a name or a folder, not both', () => {
    expect(DataSpec.safeParse({ kind: 'idx', name: 'mnist', folder: '/data' }).error?.issues).toEqual([
      expect.objectContaining({ path: ['folder'], message: 'data have a name or a folder, not both' }),
    ]);
  });

  test.each(['../etc', 'a/b', '', 'A', `x${'y'.repeat(63)}`, '.hidden', 'a\u0000b'])(
    '%j is no name of a dataset',
    (name) => {
      expect(DataSpec.safeParse({ kind: 'idx', name }).success).toBe(false);
    },
  );

  test.each(['/data\u001b[2J', '/data\u0000', `/${'x'.repeat(4096)}`])('%j is no folder', (folder) => {
    expect(DataSpec.safeParse({ kind: 'idx', folder }).success).toBe(false);
  });

  test('a file and a folder of other kinds of data are paths too', () => {
    const images = DataSpec.parse({ kind: 'images', folder: '/etc', size: [8, 8] });
    const npz = DataSpec.parse({ kind: 'npz', file: '/etc/passwd' });
    expect([images, npz].flatMap((data) => dataProblems(data, named)).map(({ field }) => field)).toEqual([
      'data.folder',
      'data.file',
    ]);
  });

  test.each([
    [{ kind: 'images', size: [8, 8] }, 'folder'],
    [{ kind: 'images', size: [8, 8], name: 'pets', folder: '/pets' }, 'folder'],
    [{ kind: 'cifar' }, 'folder'],
    [{ kind: 'npz' }, 'file'],
    [{ kind: 'npz', name: 'pets', file: '/pets.npz' }, 'file'],
  ])('data of %j have no place, or two', (data, field) => {
    expect(DataSpec.safeParse(data).error?.issues.map(({ path }) => path)).toEqual([[field]]);
  });
});

describe('endpoint access', () => {
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
    expect(endpointProblems(spec, ANY_ENDPOINT).map(({ field }) => field)).toEqual([
      'stages.0.frozen.old.from.endpoint',
    ]);
  });
});

describe('weights access', () => {
  const model = { kind: 'plain-cnn', channels: [4] };
  const base = { name: 'r', data: { kind: 'synthetic' }, epochs: 1 };
  const specOf = (from: object) =>
    RunSpec.parse({ ...base, method: 'kd', student: { model, init: from }, teacher: { model, from } });

  test('registered weights are read by name, and paths only where they are allowed', () => {
    expect(weightsProblems(specOf({ weights: 'big' }), { paths: false, weights: ['big'] })).toEqual([]);
    expect(weightsProblems(specOf({ file: '/etc/x.safetensors' }), { paths: true })).toEqual([]);
  });

  test('a path or a name that is not registered is refused with its field, and the names are told', () => {
    const path = 'this service reads no path that a spec names: name registered weights, one of big';
    expect(weightsProblems(specOf({ file: '/etc/x.safetensors' }), { paths: false, weights: ['big'] })).toEqual([
      { field: 'teacher.from', description: path },
      { field: 'student.init', description: path },
    ]);
    expect(weightsProblems(specOf({ weights: 'small' }), { paths: false, weights: ['big'] })[0]?.description).toBe(
      'this service has no weights small: name one of big',
    );
  });

  test('the fields of written stages are those of the file', () => {
    const frozen = { old: { from: { file: '/x.safetensors' }, model } };
    const spec = RunSpec.parse({ ...base, stages: [{ name: 'only', learners: { net: { model } }, frozen }] });
    expect(weightsProblems(spec, { paths: false }).map(({ field }) => field)).toEqual(['stages.0.frozen.old.from']);
  });
});
