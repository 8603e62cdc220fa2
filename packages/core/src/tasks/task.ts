import type { LabelledImages } from '../data/image-source.js';
import type { Score } from '../domain/score.js';
import type { Metric } from './metric.js';

/** What a task needs to know of the data. */
export interface TaskFacts {
  readonly classes: number;
}

/** Scores a model on a split, batch by batch. */
export interface ScoreMeter {
  /** @param logits rows of a batch, of which those that have a label count */
  add(logits: Float32Array, labels: LabelledImages['labels']): void;
  /** Of all rows so far. */
  score(): Score;
}

/** What is learned: how a model is scored, and what decides. */
export interface Task {
  readonly kind: string;
  /** In the order in which they are shown. */
  readonly metrics: readonly Metric[];
  /** Decides which params are the best, when a generation has converged, and which student is promoted; the first of `metrics`. */
  readonly primary: Metric;
  meter(facts: TaskFacts): ScoreMeter;
  /** The metrics of one batch in training. @param correct rows whose largest logit is the label */
  ofBatch(correct: number, rows: number): Readonly<Record<string, number>>;
  /** Why a model has learned nothing that it could teach; undefined when it has. The reason is a part of a sentence. */
  degenerate(validation: Score, facts: TaskFacts): string | undefined;
}
