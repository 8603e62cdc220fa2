import { expect, test } from 'vitest';
import { librariesIn } from './shared-libraries.ts';

const OUTPUT = `	linux-vdso.so.1 (0x00007fc67b8fe000)
	libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007fc67b520000)
	/lib64/ld-linux-x86-64.so.2 (0x00007fc67b900000)
`;

test('the libraries of a program are those that ldd finds in files, the dynamic linker included', () => {
  expect(librariesIn(OUTPUT)).toEqual(['/lib/x86_64-linux-gnu/libm.so.6', '/lib64/ld-linux-x86-64.so.2']);
});

test('a library that is not found is an error with its name', () => {
  expect(() => librariesIn(`${OUTPUT}	libcudart.so.12 => not found\n`)).toThrow(
    'the dynamic linker does not find libcudart.so.12',
  );
});

test('a library of the GPU driver may be missing, which the container runtime brings', () => {
  expect(librariesIn(`${OUTPUT}	libcuda.so.1 => not found\n`)).toHaveLength(2);
});
