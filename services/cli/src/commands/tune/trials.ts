import { philox4x32 } from '@trikd/core/data/random';
import { TrikdError } from '@trikd/core/domain/errors';
import { z } from 'zod';
import type { Settings } from '../study/cells.js';
import { StudySpec } from '../study/study-spec.js';

/** A point of the space. */
export interface Trial {
  readonly index: number;
  /** By the name of the axis. */
  readonly point: Readonly<Record<string, number | string | boolean>>;
}

/** The trials of a search, drawn at random: the same for the same draw. */
export function trialsOf({ space, trials, draw }: TuneSpec): readonly Trial[] {
  const words = new Uint32Array(4);
  return Array.from({ length: trials }, (_, index) => {
    const point = Object.entries(space).map(([name, axis], place) => {
      words.set([index, place, 0, 0]);
      philox4x32(words, draw, 1);
      return [name, valueOn(axis, words[0]! / 0x1_0000_0000)] as const;
    });
    return { index, point: Object.fromEntries(point) };
  });
}

/** @param share from 0 to below 1 */
function valueOn(axis: Axis, share: number): number | string | boolean {
  if ('values' in axis) return axis.values[Math.floor(share * axis.values.length)]!;
  const { from, to, scale } = axis;
  const value = scale === 'log' ? from * (to / from) ** share : from + share * (to - from);
  return Number(value.toPrecision(3));
}

/** The settings of a run at a point. @throws TrikdError 'invalid' for a path through something that is no section and no list */
export function settingsAt(spec: TuneSpec, { point }: Trial): Settings {
  const copy = structuredClone(spec.run) as Record<string, unknown>;
  for (const [name, value] of Object.entries(point)) {
    for (const path of spec.space[name]!.set ?? [name]) put(copy, path, value);
  }
  return copy;
}

/** A number in a path is a place in a list: `student.objective.1.weight`. */
function put(settings: Record<string, unknown>, path: string, value: unknown): void {
  const parts = path.split('.');
  const last = parts.pop()!;
  let at = settings;
  for (const part of parts) {
    const next = Object.hasOwn(at, part) ? at[part] : {};
    if (typeof next !== 'object' || next === null)
      throw new TrikdError(
        'invalid',
        `space: ${path} goes through ${part}, which is a value: write it as a section in \`run\``,
      );
    if (!Object.hasOwn(at, part))
      Object.defineProperty(at, part, { value: next, enumerable: true, writable: true, configurable: true });
    at = next as Record<string, unknown>;
  }
  Object.defineProperty(at, last, { value, enumerable: true, writable: true, configurable: true });
}

/** How many trials each rung has, and what share of the epochs it trains: both change by the same factor. */
export function rungsOf({
  trials,
  keep,
  rungs,
}: TuneSpec): readonly { readonly trials: number; readonly share: number }[] {
  return Array.from({ length: rungs }, (_, rung) => ({
    trials: Math.max(1, Math.ceil(trials * keep ** rung - 1e-9)),
    share: keep ** (rungs - 1 - rung),
  }));
}

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
type Axis = z.infer<typeof Axis>;

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
