import type { LabelledImages } from '../../data/image-source.js';
import { answerOf } from './answer.js';

/** How often images of a class got an answer. */
export interface Confusion {
  readonly label: number;
  readonly answer: number;
  readonly examples: number;
}

/** How well one class is told from the others. A share of no examples is absent. */
export interface ClassScore {
  readonly label: number;
  /** Images of the class. */
  readonly support: number;
  /** Share of the answers of this class that are right. */
  readonly precision?: number;
  /** Share of the images of this class that get it as their answer. */
  readonly recall?: number;
  /** Harmonic mean of precision and recall. */
  readonly f1?: number;
}

/** An image with a wrong answer. */
export interface WrongAnswer {
  /** Index of the image in its split. */
  readonly index: number;
  readonly label: number;
  readonly answer: number;
  /** Of the answer. */
  readonly confidence: number;
  /** Negative log-likelihood of the label. */
  readonly nll: number;
}

/** Where a classifier errs on a split. */
export interface ClassDetails {
  readonly kind: 'classes';
  /** Every class, in order. */
  readonly classes: readonly ClassScore[];
  /** What occurs, by label, then answer; right answers too. */
  readonly confusion: readonly Confusion[];
  /** Bins that have examples, from the lowest confidence. */
  readonly calibration: readonly CalibrationBin[];
  /** Of each class those whose label is least probable to the model, all in this order. */
  readonly worst: readonly WrongAnswer[];
}

/** Wrong answers that are kept of each class. */
const WORST_OF_CLASS = 12;

/** Collects where a classifier errs. */
export interface ClassDetailsMeter {
  /** @param logits rows of a batch, of which those that have a label count */
  add(logits: Float32Array, labels: LabelledImages['labels']): void;
  details(): ClassDetails;
}

export function classDetailsMeter(classes: number): ClassDetailsMeter {
  const counts = new Uint32Array(classes * classes);
  const calibration = calibrationMeter();
  const wrong: WrongAnswer[][] = Array.from({ length: classes }, () => []);
  let next = 0;
  return {
    add(logits, labels) {
      for (const [row, label] of labels.entries()) {
        const own = logits.subarray(row * classes, (row + 1) * classes);
        const { nll, confidence, rank } = answerOf(own, label);
        const answer = rank === 0 ? label : largest(own);
        counts[label * classes + answer]!++;
        calibration.add(confidence, rank === 0);
        const index = next++;
        if (rank > 0) keepWorst(wrong[label]!, { index, label, answer, confidence, nll });
      }
    },
    details: () => ({
      kind: 'classes',
      classes: classScores(counts, classes),
      confusion: confusionOf(counts, classes),
      calibration: calibration.bins(),
      worst: wrong.flat().sort(byLikelihood),
    }),
  };
}

/** The first of the largest. */
function largest(logits: Float32Array): number {
  let most = 0;
  for (const [index, logit] of logits.entries()) if (logit > logits[most]!) most = index;
  return most;
}

function keepWorst(kept: WrongAnswer[], one: WrongAnswer): void {
  if (kept.length === WORST_OF_CLASS && !(one.nll > kept.at(-1)!.nll)) return;
  kept.push(one);
  kept.sort(byLikelihood).splice(WORST_OF_CLASS);
}

function byLikelihood(a: WrongAnswer, b: WrongAnswer): number {
  return b.nll - a.nll || a.index - b.index;
}

/** @param counts of answers, classes x classes, a row for each label */
function classScores(counts: Uint32Array, classes: number): readonly ClassScore[] {
  return Array.from({ length: classes }, (_, label) => {
    let [support, answered] = [0, 0];
    for (let other = 0; other < classes; other++) {
      support += counts[label * classes + other]!;
      answered += counts[other * classes + label]!;
    }
    const right = counts[label * classes + label]!;
    return {
      label,
      support,
      ...(answered > 0 && { precision: right / answered }),
      ...(support > 0 && { recall: right / support }),
      ...(support + answered > 0 && { f1: (2 * right) / (support + answered) }),
    };
  });
}

function confusionOf(counts: Uint32Array, classes: number): readonly Confusion[] {
  const found: Confusion[] = [];
  for (const [at, examples] of counts.entries()) {
    if (examples > 0) found.push({ label: Math.floor(at / classes), answer: at % classes, examples });
  }
  return found;
}

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

function calibrationMeter(): CalibrationMeter {
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
