import { expect, test } from 'vitest';
import { differences, type Numerics } from './numerics.js';

const numerics: Numerics = {
  tensorflow: '2.21.0',
  processor: 'GenuineIntel 6 143',
  kernels: ['avx2', 'avx512f', 'fma'],
  device: 'cpu',
  threads: 2,
  precision: 'float32',
};

test('equal numerics differ in nothing', () => {
  expect(differences(numerics, structuredClone(numerics))).toEqual([]);
});

test.each([
  [{ tensorflow: '2.22.0' }, ['tensorflow 2.22.0 instead of 2.21.0']],
  [{ processor: 'AuthenticAMD 25 17' }, ['processor AuthenticAMD 25 17 instead of GenuineIntel 6 143']],
  [{ device: 'NVIDIA L4' }, ['device NVIDIA L4 instead of cpu']],
  [{ threads: 4, precision: 'bfloat16' }, ['threads 4 instead of 2', 'precision bfloat16 instead of float32']],
  [{ kernels: ['avx2', 'fma'] }, ['kernels without avx512f']],
  [{ kernels: ['amx_tile', 'avx2', 'avx512f', 'fma'] }, ['kernels with amx_tile']],
])('a difference is named with what was expected: %j', (change, named) => {
  expect(differences({ ...numerics, ...change }, numerics)).toEqual(named);
});
