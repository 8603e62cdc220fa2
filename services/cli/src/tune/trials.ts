import { philox4x32 } from '@trikd/core/data/random';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Settings } from '../study/merged.js';
import type { Axis, TuneSpec } from './tune-spec.js';

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
