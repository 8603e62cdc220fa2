import type { SlowStep, StepTimes } from '@trikd/protocol/gen/browser/trikd/v1/timing';

/** Where the time went over the whole run, thinned out. */
export interface StepWindows {
  /** One window in so many is kept. */
  readonly stride: number;
  /** Windows so far. */
  readonly seen: number;
  /** In order. */
  readonly kept: readonly StepTimes[];
  readonly newest?: StepTimes;
}

/** As many as a chart has room for bars. */
export const MOST_WINDOWS = 64;

/** As many as a table of them is useful for. */
export const MOST_SLOW_STEPS = 20;

export const emptyWindows: StepWindows = { stride: 1, seen: 0, kept: [] };

export function addWindow({ stride, seen, kept }: StepWindows, times: StepTimes): StepWindows {
  const next = { seen: seen + 1, newest: times };
  if (seen % stride !== 0) return { ...next, stride, kept };
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
