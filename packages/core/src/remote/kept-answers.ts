import { createHash } from 'node:crypto';
import { inParallel } from '../async/slices.js';
import { decodeSafetensors, encodeSafetensors } from '../checkpoint/safetensors.js';
import type { Batch } from '../data/batch.js';
import { TrikdError } from '../domain/errors.js';
import type { ObjectStore } from '../domain/object-store.js';

/** The answers of a remote model for the steps of a stage. */
export interface Answers {
  /** @throws TrikdError what asking for it, or reading it, failed of */
  answer(step: number): Promise<Answer>;
  /** Resolves when nothing is being asked for any more. */
  idle(): Promise<void>;
}

/** What is kept in a store. */
export interface KeptAnswersParts extends PageShape {
  readonly store: Pick<ObjectStore, 'list' | 'get' | 'size' | 'create'>;
  readonly runId: string;
  readonly stage: number;
  readonly participant: string;
  readonly batchOf: (step: number) => Batch;
  /** Asks the model. Absent: only what was kept is read. */
  readonly ask?: (batch: Batch) => Promise<Float32Array>;
  /** A page was read instead of asked for. */
  readonly found?: (steps: number) => void;
}

/** Batches that are asked for at once, which a server may compute as one. */
const ASKED_AT_ONCE = 4;

/** Pages in memory: the one that is read, the one before it for a consumer that reconnects, and the next one. */
const PAGES_IN_MEMORY = 3;

/** Bytes of a page besides its logits, at most. */
const PAGE_OVERHEAD = 4096;

/**
 * Answers that are kept before anybody sees them: each page of steps is asked for once, written if no other process has written it, and
 * only then read from. So a step that is trained again is trained with the same answer, whatever the model would say now. The page after
 * the one that is read is fetched ahead.
 */
export function keptAnswers(parts: KeptAnswersParts): Answers {
  const { totalSteps } = parts;
  const length = stepsPerPage(parts);
  /** By first step; the one used last is at the end. */
  const pages = new Map<number, Promise<AnswerPage>>();
  const working = new Set<Promise<unknown>>();
  let names: Promise<ReadonlySet<string>> | undefined;

  /** Keys of the pages that there were at first. S3 refuses to say that an object is missing to who may not list the whole bucket. */
  function keptBefore(): Promise<ReadonlySet<string>> {
    names ??= parts.store.list(answersOf(parts)).then(
      (keys) => new Set(keys),
      (error: unknown) => {
        names = undefined;
        throw error;
      },
    );
    return names;
  }

  function page(firstStep: number): Promise<AnswerPage> {
    const known = pages.get(firstStep);
    const found = known ?? keptBefore().then((keys) => fetchPage(parts, keys, firstStep));
    pages.delete(firstStep);
    pages.set(firstStep, found);
    if (known) return found;
    working.add(found);
    const forget = () => working.delete(found);
    found.then(forget, () => {
      forget();
      // The next one who needs it tries again.
      if (pages.get(firstStep) === found) pages.delete(firstStep);
    });
    for (const oldest of pages.keys()) {
      if (pages.size <= PAGES_IN_MEMORY) break;
      pages.delete(oldest);
    }
    return found;
  }

  return {
    async answer(step) {
      const firstStep = step - (step % length);
      const next = firstStep + length;
      const found = await page(firstStep);
      if (next < totalSteps && !pages.has(next)) page(next).catch(() => undefined);
      return found.answers[step - firstStep]!;
    },
    idle: async () => {
      await Promise.allSettled(working);
    },
  };
}

/** @param before keys of the pages that there were at first */
async function fetchPage(parts: KeptAnswersParts, before: ReadonlySet<string>, firstStep: number): Promise<AnswerPage> {
  const { store, runId, stage, participant, totalSteps, batchOf, ask, found } = parts;
  const key = answerPageKey(runId, stage, participant, firstStep);
  const kept = before.has(key) ? await readPage(parts, key, firstStep) : undefined;
  if (kept) {
    found?.(kept.answers.length);
    return kept;
  }
  if (!ask) throw new TrikdError('not-found', `no answers of the ${participant} are kept from step ${firstStep} on`);
  const steps = Array.from(
    { length: Math.min(stepsPerPage(parts), totalSteps - firstStep) },
    (_, at) => firstStep + at,
  );
  const answers = await inParallel(steps, ASKED_AT_ONCE, async (step) => {
    const batch = batchOf(step);
    return { batchDigest: batch.digest, logits: await ask(batch) };
  });
  const page = { firstStep, answers };
  if ((await store.create(key, encodeAnswerPage(page, parts))) === 'created') return page;
  // Another process was answered first, such as that of an attempt which is over: its answers may have been trained with.
  const theirs = await readPage(parts, key, firstStep);
  if (!theirs) throw new TrikdError('unavailable', `${key} was removed while it was written`);
  return theirs;
}

/** Start of the keys of all pages. */
function answersOf({ runId, stage, participant }: KeptAnswersParts): string {
  return `${answersFolder(runId)}${stage}/${participant}/`;
}

async function readPage(parts: KeptAnswersParts, key: string, firstStep: number): Promise<AnswerPage | undefined> {
  const { store, rows, classes } = parts;
  const most = stepsPerPage(parts) * rows * classes * 4 + PAGE_OVERHEAD;
  const size = await store.size(key);
  if (size === undefined) return undefined;
  // Anything larger is not read: it could fill the memory.
  if (size > most) throw new TrikdError('corrupt', `${key} has ${size} bytes, at most ${most} are expected`);
  const object = await store.get(key);
  return object && decodeAnswerPage(object.bytes, key, firstStep, parts);
}

/** The answer of a remote model for the batch of one step. */
interface Answer {
  readonly batchDigest: string;
  /** rows x classes, row-major. */
  readonly logits: Float32Array;
}

/** The answers for consecutive steps, which one object of the store keeps. */
interface AnswerPage {
  readonly firstStep: number;
  /** Of `firstStep`, the step after it, and so on. */
  readonly answers: readonly Answer[];
}

interface PageShape {
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
function stepsPerPage({ rows, classes }: Pick<PageShape, 'rows' | 'classes'>): number {
  return Math.max(1, Math.min(MOST_PAGE_STEPS, Math.floor(MOST_ANSWER_BYTES / (4 * rows * classes))));
}

/** Key prefix of the answers that a run keeps. */
export function answersFolder(runId: string): string {
  return `runs/${runId}/answers/`;
}

/** Where the page that starts with a step is kept. No attempt is in it: a later attempt reads what an earlier one was answered. */
export function answerPageKey(runId: string, stage: number, participant: string, firstStep: number): string {
  return `${answersFolder(runId)}${stage}/${participant}/${firstStep}.safetensors`;
}

/** A safetensors file: the tensor `logits` of [steps, rows, classes], and in the metadata what it answers and its own digest. */
function encodeAnswerPage({ firstStep, answers }: AnswerPage, { rows, classes }: PageShape): Uint8Array {
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
function decodeAnswerPage(bytes: Uint8Array, key: string, firstStep: number, shape: PageShape): AnswerPage {
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
