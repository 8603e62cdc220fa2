/** Milliseconds of many steps, summed up. */
export interface Summary {
  readonly steps: number;
  readonly min: number;
  readonly median: number;
  readonly p99: number;
}

export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { steps: sorted.length, min: sorted[0]!, median: at(0.5), p99: at(0.99) };
}
