/** Values for the marks of an axis: round, at most eight, all within the range. */
export function ticks(from: number, to: number): readonly number[] {
  const rough = (to - from) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? 10 * power;
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => (first + index) * step);
}

/** 1, 2 and 5 times the powers of ten within a range above 0. */
export function logTicks(from: number, to: number): readonly number[] {
  const powers = Array.from({ length: 40 }, (_, index) => 10 ** (index - 20));
  return powers.flatMap((power) => [power, 2 * power, 5 * power]).filter((value) => value >= from && value <= to);
}

/** A range with a margin of a twentieth, so that no mark lies on the edge. */
export function widened(values: readonly number[]): readonly [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = high > low ? (high - low) / 20 : Math.max(Math.abs(low) / 20, 1e-9);
  return [low - margin, high + margin];
}
