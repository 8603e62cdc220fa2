import { expect } from 'vitest';

/**
 * Expects the outputs of an evaluation: bit for bit, or, where the server says that the processor does not allow it, with other last bits.
 * @param what names the comparison in a failure
 */
export function expectOutputs(found: Float32Array, expected: Float32Array, isExact: boolean, what?: string): void {
  if (isExact) expect(found, what).toEqual(expected);
  expect(found.length, what).toBe(expected.length);
  const allowed = 1e-5 * Math.max(...expected.map(Math.abs));
  expect(Math.max(...found.map((value, at) => Math.abs(value - expected[at]!))), what).toBeLessThan(allowed);
}
