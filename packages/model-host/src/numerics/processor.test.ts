import { expect, test } from 'vitest';
import { processorOf } from './processor.js';

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
