import { TrikdError } from '../domain/errors.js';
import type { Facts } from './state.js';

const NAMES = ['datasetDigest', 'classes', 'totalSteps', 'stepsPerEpoch'] as const satisfies readonly (keyof Facts)[];

/**
 * Checks that two processes, or two attempts, derive the same from spec and data.
 * @param sentence says what differs, for the first fact that does
 * @throws TrikdError `invalid`
 */
export function assertSameFacts(
  one: Facts,
  other: Facts,
  sentence: (name: keyof Facts, one: string | number, other: string | number) => string,
): void {
  for (const name of NAMES) {
    if (one[name] !== other[name]) throw new TrikdError('invalid', sentence(name, one[name], other[name]));
  }
}
