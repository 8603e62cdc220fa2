import { z } from 'zod';
import { StudySpec } from '../study/study-spec.js';

/** Trials of a search, and rungs, at most. */
const [MOST_TRIALS, MOST_RUNGS] = [1000, 6];

const Axis = z.union([
  z.strictObject({
    values: z
      .array(z.union([z.number(), z.string(), z.boolean()]))
      .min(1)
      .max(100)
      .describe('one of these'),
    set: z.array(z.string()).min(1).optional().describe('settings that get the value; default: the one of its name'),
  }),
  z
    .strictObject({
      from: z.number(),
      to: z.number(),
      scale: z.enum(['linear', 'log']).optional().describe('default: linear'),
      set: z.array(z.string()).min(1).optional().describe('settings that get the value; default: the one of its name'),
    })
    .refine(({ from, to, scale }) => from < to && (scale !== 'log' || from > 0), {
      message: 'expected from below to, and above 0 where the scale is log',
    }),
]);
export type Axis = z.infer<typeof Axis>;

/** A search for settings. */
export const TuneSpec = z.strictObject({
  name: StudySpec.shape.name,
  run: StudySpec.shape.run,
  seeds: StudySpec.shape.seeds.describe('seeds of each trial, or how many, from 0 on; their mean counts'),
  space: z
    .record(z.string(), Axis)
    .describe('what is searched: names, or paths of settings such as student.learningRate'),
  trials: z.int().min(2).max(MOST_TRIALS).prefault(27).describe('points of the space that are drawn'),
  keep: z
    .number()
    .min(0.1)
    .max(0.9)
    .prefault(1 / 3)
    .describe('share of the trials that goes on to the next rung'),
  rungs: z.int().min(1).max(MOST_RUNGS).prefault(3).describe('rounds; the last one trains all epochs'),
  draw: z.int().min(0).prefault(0).describe('seed of the points that are drawn'),
});
export type TuneSpec = z.infer<typeof TuneSpec>;
