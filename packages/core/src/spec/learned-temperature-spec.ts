import { z } from 'zod';
import type { LossSpec } from '../losses/registry.js';
import { Positive, PositiveAmount } from './numbers.js';

/** A temperature that is learned against its term: see `losses/learned-temperature.ts`. */
export const LearnedTemperatureSpec = z.strictObject({
  learned: z.literal(true),
  from: PositiveAmount.optional(),
  range: PositiveAmount.optional(),
  rampEpochs: Positive.optional(),
});
export type LearnedTemperatureSpec = z.infer<typeof LearnedTemperatureSpec>;

/** A temperature that is given, or learned. */
export function orLearned<Given extends z.ZodType>(given: Given) {
  return z.union([given, LearnedTemperatureSpec], {
    error: ({ input, errors }: { readonly input?: unknown; readonly errors?: z.core.$ZodIssue[][] }) => {
      const isLearned = typeof input === 'object' && input !== null && 'learned' in input;
      const problem = errors?.[isLearned ? 1 : 0]?.[0];
      return problem && [...problem.path.map(String), problem.message].join(': ');
    },
  });
}

/** Whether the temperature of a term is learned. */
export function isLearned(temperature: unknown): temperature is LearnedTemperatureSpec {
  return typeof temperature === 'object' && temperature !== null && 'learned' in temperature;
}

/** Whether the value of a loss depends on the temperature of its term. Only then it can be learned. */
export function dependsOnTemperature(loss: LossSpec | undefined): boolean {
  if (loss === undefined) return true;
  return loss.kind !== 'mse' && !('exponent' in loss && loss.exponent !== undefined);
}
