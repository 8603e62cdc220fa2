import type { Draws } from './draws.js';

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
