import type { Scalar, Tensor1D, Tensor2D } from '@trikd/engine';
import type { z } from 'zod';
import type { Pauses } from '../async/slices.js';
import type { LabelledImages } from '../data/image-source.js';
import type { Score } from '../domain/role-checkpoint.js';
import type { MixTensors, Ops } from '../losses/loss.js';
import type { ClassDetails } from './classification/class-details.js';
import type { HeadLayer } from './head.js';
import type { Metric } from './metric.js';
import type { PairDetails } from './verification/pair-details.js';

/** What a task needs to know of the data. */
export interface TaskFacts {
  /** Of the training images. */
  readonly classes: number;
}

/** What a model says of a batch, row by row. */
export interface Outputs {
  readonly logits?: Float32Array;
  /** Only of a task whose head has one. */
  readonly embedding?: Float32Array;
}

/** Scores a model on a split, batch by batch. */
export interface ScoreMeter {
  /** @param outputs rows of a batch, of which those that have a label count */
  add(outputs: Outputs, labels: LabelledImages['labels']): void;
  /** Of all rows. @param pauses of a process that has other work meanwhile; undefined: at once */
  score(pauses: Pauses | undefined): Promise<Score>;
}

/** Collects where a model errs on a split, batch by batch. */
export interface DetailsMeter {
  /** @param outputs rows of a batch, of which those that have a label count */
  add(outputs: Outputs, labels: LabelledImages['labels']): void;
  /** Of all rows. */
  details(): TaskDetails;
}

/** What the task loss is computed from. */
export interface TaskLossInputs {
  /** [rows, classes] */
  readonly logits: Tensor2D;
  /** [rows], int32. */
  readonly labels: Tensor1D;
  /** Only for a task whose rows may have two labels. */
  readonly mix?: MixTensors;
  readonly ops: Ops;
}

/** The task loss of a model that knows nothing. */
export interface ChanceLoss {
  readonly nats: number;
  /** `ln(10)` */
  readonly formula: string;
}

/** What is learned: what the head of a model is, its loss, how it is scored, and what decides. */
export interface Task {
  readonly kind: string;
  /** In the order in which they are shown. */
  readonly metrics: readonly Metric[];
  /** Decides which params are the best, when a stage has converged, and which student is promoted; the first of `metrics`. */
  readonly primary: Metric;
  /** What labels name: classes, which every split has, or identities, each of which is in one split. */
  readonly labels: 'classes' | 'identities';
  /** The layers after the network, in their order; the last one has the logits, one for each class. */
  head(facts: TaskFacts): readonly HeadLayer[];
  /** Mean over the batch, in nats, before the weight of its term. */
  loss(inputs: TaskLossInputs): Scalar;
  chance(facts: TaskFacts): ChanceLoss;
  /** @throws TrikdError 'invalid' for images on which the metrics cannot be measured */
  assertMeasurable(split: LabelledImages): void;
  /** @param split whose images are scored, in their order */
  meter(facts: TaskFacts, split: LabelledImages): ScoreMeter;
  /** Tells where a model errs, which a score does not. @param split whose images the model is asked for, in their order */
  details(facts: TaskFacts, split: LabelledImages): DetailsMeter;
  /** The metrics of one batch in training. @param correct rows whose largest logit is the label */
  ofBatch(correct: number, rows: number): Readonly<Record<string, number>>;
  /** Why a model has learned nothing that it could teach; undefined when it has. The reason is a part of a sentence. */
  degenerate(validation: Score, facts: TaskFacts): string | undefined;
}

/** The settings of a task have a literal `kind`, which is its name. */
export type TaskSettings = z.ZodObject<{ readonly kind: z.ZodLiteral<string> }>;

/** A task as the registry keeps it. */
export interface TaskDefinition<Schema extends TaskSettings = TaskSettings> {
  readonly settings: Schema;
  task(settings: z.output<Schema>): Task;
}

/** Infers the type of the settings of a task. */
export function defineTask<Schema extends TaskSettings>(definition: TaskDefinition<Schema>): TaskDefinition<Schema> {
  return definition;
}

/** Where a model errs on a split. */
export type TaskDetails = ClassDetails | PairDetails;
