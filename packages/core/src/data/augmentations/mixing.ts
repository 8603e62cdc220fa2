import { z } from 'zod';
import type { Draws } from './augmentation.js';

/** A number from the Beta distribution with both parameters `alpha`, above 0. */
export function drawBeta(draws: Draws, alpha: number): number {
  const [own, other] = [lnGamma(draws, alpha), lnGamma(draws, alpha)];
  return 1 / (1 + Math.exp(other - own));
}

/** The logarithm of a number from the Gamma distribution: for a small shape the number itself may be too small for a double. */
function lnGamma(draws: Draws, shape: number): number {
  if (shape < 1) return lnGamma(draws, shape + 1) + Math.log(positive(draws)) / shape;
  // Marsaglia & Tsang 2000: nine of ten draws are accepted, or more.
  const d = shape - 1 / 3;
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(positive(draws))) * Math.cos(2 * Math.PI * draws.uniform());
    const root = 1 + normal / Math.sqrt(9 * d);
    const cube = root ** 3;
    const accept = Math.log(positive(draws));
    if (cube > 0 && accept < normal ** 2 / 2 + d * (1 - cube + Math.log(cube))) return Math.log(d * cube);
  }
}

/** More than 0, at most 1. */
function positive(draws: Draws): number {
  return 1 - draws.uniform();
}

/** Of the Beta distribution: above, all shares are about a half. */
const LARGEST_ALPHA = 100;

/** Settings that all mixing augmentations have. */
export const mixSettings = {
  alpha: z
    .number()
    .min(0.01)
    .max(LARGEST_ALPHA)
    .default(1)
    .describe('the share of an image is drawn from Beta(alpha, alpha); 1: uniformly'),
  probability: z.number().gt(0).max(1).default(1).describe('that an image is mixed'),
};
