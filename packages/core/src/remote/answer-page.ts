import { createHash } from 'node:crypto';
import { decodeSafetensors, encodeSafetensors } from '../checkpoint/safetensors.js';
import { TrikdError } from '../domain/errors.js';

/** The answer of a remote model for the batch of one step. */
export interface Answer {
  readonly batchDigest: string;
  /** rows x classes, row-major. */
  readonly logits: Float32Array;
}

/** The answers for consecutive steps, which one object of the store keeps. */
export interface AnswerPage {
  readonly firstStep: number;
  /** Of `firstStep`, the step after it, and so on. */
  readonly answers: readonly Answer[];
}

export interface PageShape {
  readonly rows: number;
  readonly classes: number;
  /** Steps of the stage: the last page may be shorter. */
  readonly totalSteps: number;
}

/** Bytes of the answer for one batch, at most: the store writes an object of 2 MiB only where there is none. */
export const MOST_ANSWER_BYTES = 2 * 1024 * 1024 - 64 * 1024;

/**
 * Steps of a page, at most. A page is written before its first frame is published: more steps would delay the start of a stage, fewer
 * would cost a write, of a millisecond in a folder and ten in a bucket, for less training.
 */
const MOST_PAGE_STEPS = 8;

/** Steps of a page. */
export function stepsPerPage({ rows, classes }: Pick<PageShape, 'rows' | 'classes'>): number {
  return Math.max(1, Math.min(MOST_PAGE_STEPS, Math.floor(MOST_ANSWER_BYTES / (4 * rows * classes))));
}

/** Key prefix of the answers that a run keeps. */
export function answersFolder(runId: string): string {
  return `runs/${runId}/answers/`;
}

/** Where the page that starts with a step is kept. No attempt is in it: a later attempt reads what an earlier one was answered. */
export function answerPageKey(runId: string, generation: number, participant: string, firstStep: number): string {
  return `${answersFolder(runId)}${generation}/${participant}/${firstStep}.safetensors`;
}

/** A safetensors file: the tensor `logits` of [steps, rows, classes], and in the metadata what it answers and its own digest. */
export function encodeAnswerPage({ firstStep, answers }: AnswerPage, { rows, classes }: PageShape): Uint8Array {
  const data = new Float32Array(answers.length * rows * classes);
  for (const [index, { logits }] of answers.entries()) data.set(logits, index * rows * classes);
  const about = { firstStep: String(firstStep), batches: answers.map(({ batchDigest }) => batchDigest).join(' ') };
  const logits = { dtype: 'float32' as const, shape: [answers.length, rows, classes], data };
  return encodeSafetensors(new Map([['logits', logits]]), { ...about, sha256: digestOf(about, data) });
}

/**
 * @param key for messages
 * @throws TrikdError 'corrupt' unless the bytes are the page of these steps, as it was written
 */
export function decodeAnswerPage(bytes: Uint8Array, key: string, firstStep: number, shape: PageShape): AnswerPage {
  const { rows, classes, totalSteps } = shape;
  const steps = Math.min(stepsPerPage(shape), totalSteps - firstStep);
  const { params, metadata } = decodeSafetensors(bytes);
  const { sha256, ...about } = metadata;
  const logits = params.get('logits');
  const batches = about['batches']?.split(' ') ?? [];
  const whole =
    logits?.dtype === 'float32' &&
    logits.shape.join() === [steps, rows, classes].join() &&
    batches.length === steps &&
    about['firstStep'] === String(firstStep) &&
    sha256 === digestOf(about, logits.data as Float32Array);
  if (!whole) throw new TrikdError('corrupt', `${key} is not what was kept of the answers from step ${firstStep} on`);
  const size = rows * classes;
  const answerOf = (batchDigest: string, index: number): Answer => ({
    batchDigest,
    logits: (logits.data as Float32Array).subarray(index * size, (index + 1) * size),
  });
  return { firstStep, answers: batches.map(answerOf) };
}

/** A flipped bit in a logit would train other bits without an error. */
function digestOf(about: Readonly<Record<string, string>>, data: Float32Array): string {
  const text = Object.keys(about)
    .sort()
    .map((name) => `${name}=${about[name]}\n`)
    .join('');
  return createHash('sha256').update(text).update(data).digest('hex');
}
