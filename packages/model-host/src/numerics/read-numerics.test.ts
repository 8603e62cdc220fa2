import { OWN_KERNELS, usesOwnKernels } from '@trikd/engine';
import { specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { readNumerics } from './read-numerics.js';

const { engine } = specFor('tiny');

test('a process tells the settings of its run, and the same each time', () => {
  const numericsOf = readNumerics({});
  const numerics = numericsOf({ ...engine, threads: 3 });
  expect(numerics).toMatchObject({ device: 'cpu', threads: 3, precision: 'float32' });
  expect(numerics.tensorflow).toMatch(/^\d+\.\d+\.\d+/);
  expect(readNumerics({})({ ...engine, threads: 3 })).toEqual(numerics);
});

test('the precision is bfloat16 where it is asked for and TensorFlow has it for the processor', () => {
  const { precision, kernels } = readNumerics({})({ ...engine, precision: 'bfloat16' });
  const hasIt = kernels.includes('avx512f') || kernels.includes('avx_ne_convert');
  expect(precision).toBe(hasIt ? 'bfloat16' : 'float32');
});

test('a variable that overrules the choice of kernels is part of it', () => {
  const { kernels } = readNumerics({ ONEDNN_MAX_CPU_ISA: 'AVX2', PATH: '/bin' })(engine);
  expect(kernels).toContain('ONEDNN_MAX_CPU_ISA=AVX2');
  expect(kernels.join()).not.toContain('PATH');
});

test('own kernels are part of it where they compute', () => {
  const own = { ...engine, kernels: 'own' } as const;
  const numericsOf = readNumerics({});
  expect(numericsOf(own).kernels.includes(OWN_KERNELS)).toBe(usesOwnKernels(own));
  expect(numericsOf({ ...engine, kernels: 'tensorflow' })).toEqual(numericsOf(engine));
});
