import type { SlowStep, StepTimes } from '@trikd/protocol/gen/browser/trikd/v1/timing';

/** Where the time went over the whole run, thinned out. */
export interface StepWindows {
  /** How many came for each that is kept. */
  readonly stride: number;
  /** How many came in all. */
  readonly heard: number;
  /** In the order of their coming. */
  readonly kept: readonly StepTimes[];
  readonly newest?: StepTimes;
}

/** Bars that a picture has room for. */
export const MOST_WINDOWS = 64;

/** Slow steps that somebody may want to look at. */
export const MOST_SLOW_STEPS = 20;

export const emptyWindows: StepWindows = { stride: 1, heard: 0, kept: [] };

export function addWindow({ stride, heard, kept }: StepWindows, times: StepTimes): StepWindows {
  const next = { heard: heard + 1, newest: times };
  if (heard % stride !== 0) return { ...next, stride, kept };
  const more = [...kept, times];
  if (more.length <= MOST_WINDOWS) return { ...next, stride, kept: more };
  return { ...next, stride: 2 * stride, kept: more.filter((_, index) => index % 2 === 0) };
}

/** The slowest first, each once. */
export function addSlowStep(slowest: readonly SlowStep[], step: SlowStep): readonly SlowStep[] {
  const others = slowest.filter((each) => !sameStep(each, step));
  return [...others, step]
    .sort((a, b) => b.durationMs - a.durationMs || a.generation - b.generation || a.step - b.step)
    .slice(0, MOST_SLOW_STEPS);
}

function sameStep(one: SlowStep, other: SlowStep): boolean {
  return one.generation === other.generation && one.attempt === other.attempt && one.step === other.step;
}
