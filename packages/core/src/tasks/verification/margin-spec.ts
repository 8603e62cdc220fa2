import { z } from 'zod';
import { PositiveAmount } from '../../spec/numbers.js';

const scale = PositiveAmount.default(64).describe(
  's, the length to which embeddings are scaled. 64 suits thousands of identities. n identities need at least ln(9 (n - 1)) to be told apart with probability 0.9: 7 for 100, 9 for 1,000; two or three times as much trains well',
);

/** The task loss of verification: softmax on s · cos θ, with a margin that only the right identity has to overcome. */
export const MarginSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('arcface').describe('additive angular margin, s · cos(θ + m) (Deng et al. 2019)'),
    margin: z
      .number()
      .min(0)
      .max(Math.PI / 2)
      .default(0.5)
      .describe('m, in radians'),
    scale,
  }),
  z.strictObject({
    kind: z.literal('cosface').describe('additive cosine margin, s · (cos θ - m) (Wang et al. 2018)'),
    margin: z.number().min(0).max(1).default(0.35).describe('m'),
    scale,
  }),
  z.strictObject({
    kind: z.literal('softmax').describe('normalised softmax, s · cos θ, without a margin (Wang et al. 2017)'),
    scale,
  }),
]);
export type MarginSpec = z.infer<typeof MarginSpec>;
