import { z } from 'zod';

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
