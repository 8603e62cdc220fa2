/** Bins of equal width of the confidence (Guo et al. 2017, which takes 15). */
export const BINS = 15;

/** A bin contains its upper bound, not its lower one. What is not a number makes the error one that is not a number either. */
export function binOf(confidence: number): number {
  return Number.isNaN(confidence) ? 0 : Math.ceil(BINS * confidence) - 1;
}

/** Answers of about the same confidence. */
export interface CalibrationBin {
  /** The bounds of the bin, 0..1. */
  readonly from: number;
  readonly to: number;
  readonly examples: number;
  /** Mean of the bin. */
  readonly confidence: number;
  /** Share of the answers that are right: of a calibrated model, the mean confidence. */
  readonly right: number;
}

/** Counts answers by their confidence. */
export interface CalibrationMeter {
  add(confidence: number, isRight: boolean): void;
  /** Those that have examples. */
  bins(): readonly CalibrationBin[];
}

export function calibrationMeter(): CalibrationMeter {
  const sums = Array.from({ length: BINS }, () => ({ examples: 0, right: 0, confidence: 0 }));
  return {
    add(confidence, isRight) {
      const sum = sums[binOf(confidence)]!;
      sum.examples += 1;
      sum.right += isRight ? 1 : 0;
      sum.confidence += confidence;
    },
    bins: () =>
      sums.flatMap(({ examples, right, confidence }, bin) => {
        if (examples === 0) return [];
        const bounds = { from: bin / BINS, to: (bin + 1) / BINS };
        return [{ ...bounds, examples, confidence: confidence / examples, right: right / examples }];
      }),
  };
}
