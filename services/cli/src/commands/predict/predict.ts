import type { Stats } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadParams } from '@trikd/core/checkpoint/blobs';
import { type ImageShape, imageBytes } from '@trikd/core/data/image-source';
import { TrikdError } from '@trikd/core/domain/errors';
import { stagesOf } from '@trikd/core/stages/stages-of';
import type { Outputs } from '@trikd/core/tasks/task';
import { problemsOf } from '@trikd/model-host/data/images/image-folder';
import { imagePixels } from '@trikd/model-host/data/images/read-images';
import { errorCode, hasCode } from '@trikd/process/error-code';
import { datasetOf } from '../../run/data-limits.js';
import type { TaskProgress } from '../../run/task-process.js';
import type { Shell } from '../../terminal/shell.js';
import { openRun } from '../checkpoint/open-run.js';
import { exportSubject } from '../export/subject.js';
import type { PredictOptions } from './command.js';
import { answersOf, createSimilarities, type Prediction, predictionsText } from './predictions.js';

/** Images that are decoded at a time. */
const CHUNK = 256;

/** `trikd predict`. Returns the text to print. @throws TrikdError for everything that a user can correct */
export async function predictImages(
  options: PredictOptions,
  env: Shell['env'],
  progress: TaskProgress,
): Promise<string> {
  const { runId, from, top, output } = options;
  const files = await imageFiles(options.images);
  const run = await openRun(runId, from, env);
  const { spec } = run;
  const { stage, learner, model, params, step } = await exportSubject(run, options);
  const dataset = await datasetOf(spec, env);
  assertPictures(dataset, runId);
  // TensorFlow takes a second to load, and no other command needs it.
  const { openJudged } = await import('@trikd/core/training/judge');
  const judged = await openJudged(spec, dataset, model, await loadParams(run.store, params));
  const similarityOf = createSimilarities();
  const predictions: Prediction[] = [];
  try {
    for (let first = 0; first < files.length; first += CHUNK) {
      const part = files.slice(first, first + CHUNK);
      const outputs = await judged.outputs(await pixelsOf(part, dataset));
      for (const [row, { name }] of part.entries()) {
        const { logits, embedding } = rowOf(outputs, row, part.length);
        const answer = embedding ? similarityOf(embedding) : { classes: answersOf(logits!, top, dataset.classNames) };
        predictions.push({ image: name, ...answer });
      }
      progress('predicting', first + part.length, files.length);
    }
  } finally {
    await judged.close();
  }
  const of = { participant: learner, stage: stagesOf(spec)[stage]!.name, step, params: params.sha256 };
  return predictionsText({ runId, model: of, predictions }, output);
}

/** @throws TrikdError 'invalid' for a run of images that no picture can be */
function assertPictures({ channels }: ImageShape, runId: string): void {
  if (channels === 1 || channels === 3) return;
  throw new TrikdError('invalid', `images of run ${runId} have ${channels} channels: PNG and JPEG files have 1 or 3`);
}

/** The pixels of some files, one after the other. @throws TrikdError 'invalid' with every file that cannot be used */
async function pixelsOf(files: readonly ImageFile[], shape: ImageShape): Promise<Uint8Array> {
  const size = imageBytes(shape);
  const pixels = new Uint8Array(files.length * size);
  const problems = problemsOf('what is to be predicted');
  for (const [row, { name, path }] of files.entries()) {
    try {
      pixels.set(await imagePixels(path, shape), row * size);
    } catch (error) {
      if (!(error instanceof TrikdError)) throw error;
      problems.add(name, error.message);
    }
  }
  problems.assertNone();
  return pixels;
}

/** What a model says of one of several images. */
function rowOf({ logits, embedding }: Outputs, row: number, rows: number): Outputs {
  const part = (values: Float32Array) => values.slice((row * values.length) / rows, ((row + 1) * values.length) / rows);
  return { ...(logits && { logits: part(logits) }), ...(embedding && { embedding: part(embedding) }) };
}

/** A file that is to be read. */
interface ImageFile {
  /** As the user names it. */
  readonly name: string;
  /** Without symbolic links, which are followed where the user names them, and not where a folder has them. */
  readonly path: string;
}

/** Entries of folders that are listed, at most. */
const MOST_ENTRIES = 100_000;

/** Names of files that are read in folders. */
const IMAGE = /\.(png|jpe?g)$/i;

/** Img2 comes before img10. */
const natural = new Intl.Collator('en', { numeric: true });

/**
 * The files that paths name, and the PNG and JPEG files in the folders that they name and below, by their names. Hidden files and folders are left out.
 * @throws TrikdError 'invalid' for a path at which there is nothing, for a folder without images, and for one of too many
 */
export async function imageFiles(paths: readonly string[]): Promise<readonly ImageFile[]> {
  const files: ImageFile[] = [];
  for (const name of paths) {
    if ((await statsOf(name)).isDirectory()) files.push(...(await imagesBelow(name)));
    else files.push({ name, path: await realpath(name) });
  }
  return files;
}

async function statsOf(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (cause) {
    const reason = hasCode(cause, 'ENOENT', 'ENOTDIR') ? 'there is no such file' : (errorCode(cause) ?? `${cause}`);
    throw new TrikdError('invalid', `cannot read ${path}: ${reason}`, { path }, { cause });
  }
}

async function imagesBelow(folder: string): Promise<readonly ImageFile[]> {
  const names: string[] = [];
  let left = MOST_ENTRIES;
  const open = [folder];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for await (const entry of await opendir(next)) {
      if (left-- === 0) throw new TrikdError('invalid', `${folder} has more than ${MOST_ENTRIES} files: name fewer`);
      const inside = join(next, entry.name);
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) open.push(inside);
      else if (entry.isFile() && IMAGE.test(entry.name)) names.push(inside);
    }
  }
  if (names.length === 0) throw new TrikdError('invalid', `${folder} has no file that ends in .png, .jpg or .jpeg`);
  return names.sort(natural.compare).map((name) => ({ name, path: name }));
}
