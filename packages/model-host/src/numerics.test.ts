import { OWN_KERNELS, usesOwnKernels } from '@trikd/engine';
import { specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { processorOf, readNumerics } from './numerics.js';

const intel = `processor	: 0
vendor_id	: GenuineIntel
cpu family	: 6
model		: 143
model name	: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
stepping	: 8
cpu MHz		: 2699.998
flags		: fpu vme sse4_2 fma avx avx2 avx512f rdrand amx_tile

processor	: 1
vendor_id	: AuthenticAMD
`;

const arm = `processor	: 0
BogoMIPS	: 243.75
Features	: fp asimd aes asimdhp sve
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x1
CPU part	: 0xd40
CPU revision	: 1
`;

test('a processor of x86 is named by vendor, family and model, with what kernels are chosen by', () => {
  expect(processorOf(intel)).toEqual({
    name: 'GenuineIntel 6 143',
    instructionSets: ['amx_tile', 'avx', 'avx2', 'avx512f', 'fma', 'sse4_2'],
  });
});

test('a processor of Arm is named by implementer, architecture and part', () => {
  expect(processorOf(arm)).toEqual({ name: '0x41 8 0xd40', instructionSets: ['asimd', 'asimdhp', 'sve'] });
});

test('a text that names no processor makes it unknown', () => {
  expect(processorOf('')).toEqual({ name: 'unknown', instructionSets: [] });
});

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
