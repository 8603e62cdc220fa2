import { expect, test } from 'vitest';
import { trainWhileRotating } from '../soak/rotating-trio.js';
import { scratch } from './trikd.js';

test('training goes on without a lost attempt while all certificates and their authority are rotated, torn pairs among them', async () => {
  const rotations = 2;
  const result = await trainWhileRotating({ folder: scratch(), rotations, everySeconds: 5, say: () => undefined });
  expect(result.failures).toEqual([]);
  expect(result.lost).toBe(0);
  expect(result.adopted).toBeGreaterThanOrEqual(4 * rotations);
  expect(result.refused).toBeGreaterThanOrEqual(4);
  expect(result.steps).toEqual([...new Set(result.steps)].sort((a, b) => a - b));
});
