import { topClasses } from '@trikd/core/tasks/classification/answer';
import { cosine, normalised } from '@trikd/core/tasks/verification/embeddings';
import { percent } from '@trikd/events/names';
import Table from 'cli-table3';
import { csv, printable } from '../../terminal/printable.js';
import { formatted } from '../../terminal/texts.js';
import type { PredictOptions } from './command.js';

/** A class that an image may show. */
export interface ClassAnswer {
  readonly label: number;
  /** Where the data name their classes. */
  readonly class?: string;
  readonly probability: number;
}

/** What a model says of an image. */
export interface Prediction {
  readonly image: string;
  /** The most probable ones. */
  readonly classes?: readonly ClassAnswer[];
  /** Cosine of the angle to the embedding of the first image. */
  readonly similarity?: number;
  readonly embedding?: readonly number[];
}

/** What was predicted, and by what. */
export interface Predictions {
  readonly runId: string;
  readonly model: {
    readonly participant: string;
    readonly stage: string;
    /** Last step that changed the params. */
    readonly step: number;
    /** SHA-256 of the params. */
    readonly params: string;
  };
  readonly predictions: readonly Prediction[];
}

/** The most probable classes of a row of logits. */
export function answersOf(
  logits: Float32Array,
  top: number,
  classNames: readonly string[] | undefined,
): readonly ClassAnswer[] {
  return topClasses(logits, top).map(({ label, probability }) => {
    const name = classNames?.[label];
    return { label, ...(name !== undefined && { class: name }), probability };
  });
}

/** Compares embeddings with the first one. */
export function createSimilarities(): (embedding: Float32Array) => Pick<Prediction, 'similarity' | 'embedding'> {
  let first: Float32Array | undefined;
  return (embedding) => {
    first ??= embedding;
    const dimension = embedding.length;
    const values = new Float32Array(2 * dimension);
    values.set(first);
    values.set(embedding, dimension);
    return { similarity: cosine(normalised({ dimension, values }), 0, 1), embedding: [...embedding] };
  };
}

/** The predictions in a format. */
export function predictionsText(predicted: Predictions, output: PredictOptions['output']): string {
  const { model, predictions } = predicted;
  if (output === 'json' || output === 'yaml') return formatted(predicted, output);
  if (output === 'csv') return predictionsCsv(predictions);
  const { participant, stage, step } = model;
  return `${participant} of stage ${stage}, params of step ${step}\n${predictionsTable(predictions)}`;
}

function predictionsTable(predictions: readonly Prediction[]): string {
  const similar = predictions.some(({ similarity }) => similarity !== undefined);
  const others = predictions.some(({ classes = [] }) => classes.length > 1);
  const table = new Table({
    head: similar ? ['image', 'similarity'] : ['image', 'class', 'probability', ...(others ? ['then'] : [])],
    colAligns: similar ? ['left', 'right'] : ['left', 'left', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { image, classes = [], similarity } of predictions) {
    const [best, ...rest] = classes;
    if (similarity !== undefined) table.push([printable(image), similarity.toFixed(4)]);
    else if (best) {
      const next = rest.map((answer) => `${nameOf(answer)} (${percent(answer.probability)})`).join(', ');
      table.push([printable(image), nameOf(best), percent(best.probability), ...(others ? [next] : [])]);
    }
  }
  return table.toString();
}

function nameOf(answer: ClassAnswer): string {
  return printable(answer.class ?? String(answer.label));
}

function predictionsCsv(predictions: readonly Prediction[]): string {
  if (predictions.some(({ similarity }) => similarity !== undefined)) {
    return csv([['image', 'similarity'], ...predictions.map(({ image, similarity }) => [image, similarity])]);
  }
  const rows = predictions.flatMap(({ image, classes = [] }) =>
    classes.map((answer, rank) => [image, rank + 1, answer.label, answer.class, answer.probability]),
  );
  return csv([['image', 'rank', 'label', 'class', 'probability'], ...rows]);
}
