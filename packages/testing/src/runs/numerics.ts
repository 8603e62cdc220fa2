import type { Numerics } from '@trikd/core/domain/numerics';

/** Numerics of a trainer on an Intel processor. */
export const INTEL: Numerics = {
  tensorflow: '2.21.0',
  processor: 'GenuineIntel 6 143',
  kernels: ['avx2', 'avx512f'],
  device: 'cpu',
  threads: 2,
  precision: 'float32',
};
