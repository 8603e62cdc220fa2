import { z } from 'zod';
import type { LossSpec } from '../losses/registry.js';
import { Positive, PositiveAmount } from './fields.js';

/** Points of a schedule, and generations of a table, at most. */
const LONGEST = 64;

const Fraction = z.number().min(0).max(1);

/** A schedule over a stage. */
function overStage(value: z.ZodNumber) {
  return z.strictObject({
    points: z
      .array(z.tuple([Fraction, value]))
      .min(1)
      .max(LONGEST)
      .refine(
        (points) => points.every(([at], index) => index === 0 || at > points[index - 1]![0]),
        'points must ascend, such as [[0, 0], [0.1, 1]]',
      ),
    curve: z.enum(['linear', 'step', 'cosine']).optional(),
  });
}

/**
 * A number that may change as a stage is trained: itself, a schedule over the stage, or one of these for each generation. Points are
 * [fraction of the stage, value]; before the first point its value holds, and after the last point the last. Between two points the value
 * follows the curve: a straight line (the default), half a cosine, or a step at the second point. The last entry of a table goes on.
 * @param value what each of its numbers must be
 */
export function scheduled(value: z.ZodNumber) {
  const stage = overStage(value);
  const oneStage = z.union([value, stage], { error: scheduleProblem });
  const byGeneration = z.array(oneStage).min(1).max(LONGEST);
  return z.union([value, stage, z.strictObject({ byGeneration })], { error: scheduleProblem });
}

export type Scheduled = z.infer<ReturnType<typeof scheduled>>;
type OverStage = z.infer<ReturnType<typeof overStage>>;

/** Where a training is. */
export interface Moment {
  /** From 0. */
  readonly step: number;
  /** Steps of the whole stage. */
  readonly totalSteps: number;
  readonly generation: number;
}

/** The value of a schedule at a moment: exact at its points, and nowhere beyond the values around it. */
export function valueAt(schedule: Scheduled, { step, totalSteps, generation }: Moment): number {
  const own = inGeneration(schedule, generation);
  return typeof own === 'number' ? own : onCurve(own, step / totalSteps);
}

/** Whether the value is above 0 at some moment of a stage. No step needs to fall on that moment. */
export function isEverPositive(schedule: Scheduled, generation: number): boolean {
  const own = inGeneration(schedule, generation);
  return typeof own === 'number' ? own > 0 : own.points.some(([, value]) => value > 0);
}

function inGeneration(schedule: Scheduled, generation: number): number | OverStage {
  if (typeof schedule === 'number' || !('byGeneration' in schedule)) return schedule;
  const table = schedule.byGeneration;
  return table[Math.min(generation, table.length - 1)]!;
}

function onCurve({ points, curve = 'linear' }: OverStage, at: number): number {
  const next = points.findIndex(([start]) => at < start);
  if (next === 0) return points[0]![1];
  if (next === -1) return points.at(-1)![1];
  const [[start, from], [end, to]] = [points[next - 1]!, points[next]!];
  const way = (at - start) / (end - start);
  const shares = { linear: way, step: 0, cosine: (1 - Math.cos(Math.PI * way)) / 2 };
  // Rounding must not carry it past a point: a weight stays at 0 or above.
  return Math.min(Math.max(from + (to - from) * shares[curve], Math.min(from, to)), Math.max(from, to));
}

/** What is wrong with a value that is neither a number nor a schedule, in words that do not quote it. */
function scheduleProblem({
  input,
  errors,
}: {
  readonly input?: unknown;
  readonly errors?: z.core.$ZodIssue[][];
}): string {
  const expected = 'expected a number, or a schedule such as { points: [[0, 0], [0.1, 1]] }';
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return expected;
  // The options are, in this order: a number, points, a table.
  const problem = errors?.['byGeneration' in input ? 2 : 1]?.[0];
  return problem ? `${expected}; ${[...problem.path.map(String), problem.message].join(': ')}` : expected;
}

const threshold = z
  .number()
  .min(-1)
  .max(1)
  .optional()
  .describe('the term rests in a step where the cosine of the two gradients is below it; default: 0');

/** When a distillation term rests for a step: while its gradient points away from that of the task terms. */
export const GateSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('params-similarity')
      .describe('compares the gradients by all params with those of the task terms (SCKD): one more backward pass'),
    threshold,
  }),
  z.strictObject({
    kind: z.literal('logits-similarity').describe('compares the gradients by the logits; no further backward pass'),
    threshold,
  }),
]);
export type GateSpec = z.infer<typeof GateSpec>;

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
