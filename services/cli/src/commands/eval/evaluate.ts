import { writeFile } from 'node:fs/promises';
import { loadParams } from '@trikd/core/checkpoint/blobs';
import { type ImageShape, imageBytes, type LabelledImages } from '@trikd/core/data/image-source';
import { gridOf, pictureOf, pictureSheet, type Sheet } from '@trikd/core/data/picture-sheet';
import type { Dataset } from '@trikd/core/data/split';
import type { Score } from '@trikd/core/domain/role-checkpoint';
import { measured } from '@trikd/core/tasks/metrics';
import type { TaskDetails } from '@trikd/core/tasks/task';
import { metricText, scoreText, valueText } from '@trikd/events/names';
import { orUnwritable } from '@trikd/model-host/data/data-files';
import { encodePng } from '@trikd/model-host/data/images/image-codec';
import Table from 'cli-table3';
import { datasetOf } from '../../run/data-limits.js';
import type { TaskProgress } from '../../run/task-process.js';
import { formatted } from '../../terminal/texts.js';
import { openRun } from '../checkpoint/open-run.js';
import type { EvalOptions, SplitName } from './command.js';
import { detailsText } from './details-text.js';
import { evaluatedPage } from './html-page.js';
import { type Subject, subjectsOf } from './subjects.js';

/** A model's score on a split. */
export interface Scored extends Omit<Subject, 'model' | 'recorded'> {
  readonly split: SplitName;
  readonly score: Score;
  /** Score of the same params that the run recorded. */
  readonly recorded?: Score;
  /** Where the model errs; absent where that was not asked for. */
  readonly details?: TaskDetails;
}

/** `trikd eval`. Returns the text to print. @throws TrikdError for everything that a user can correct */
export async function evaluateRun(
  options: EvalOptions,
  env: Readonly<Record<string, string | undefined>>,
  progress: TaskProgress,
): Promise<string> {
  const { runId, from, splits, output, details, html, sheet } = options;
  const run = await openRun(runId, from, env);
  const subjects = await subjectsOf(run, options);
  const dataset = await datasetOf(run.spec, env);
  // TensorFlow takes a second to load, and no other command needs it.
  const { openJudged } = await import('@trikd/core/training/judge');
  const withDetails = details || html !== undefined || sheet !== undefined;
  const scored: Scored[] = [];
  for (const { model: spec, recorded, ...subject } of subjects) {
    const { role, blob } = subject;
    const model = await openJudged(run.spec, dataset, spec, await loadParams(run.store, blob));
    try {
      for (const split of splits) {
        const report = (done: number) => progress(`${role} on ${split}`, done, dataset[split].count);
        const examined = withDetails ? await model.examine(split, report) : { score: await model.score(split, report) };
        const known = recorded[split];
        scored.push({ ...subject, split, ...examined, ...(known && { recorded: known }) });
      }
    } finally {
      await model.close();
    }
  }
  const written = await writeViews(options, scored, dataset);
  const shown = details ? scored : scored.map(({ details: _, ...score }) => score);
  if (output !== 'table') return formatted({ runId, scores: shown }, output);
  return [scoresText(scored), ...shown.flatMap((each) => sectionText(each, dataset.classNames)), ...written].join('\n');
}

function sectionText(scored: Scored, names: Dataset['classNames']): readonly string[] {
  return scored.details ? [`\n${titleOf(scored)}`, detailsText(scored.details, names)] : [];
}

function titleOf({ role, split }: Scored): string {
  return `${role} on ${split}`;
}

function pageOf(runId: string, scored: readonly Scored[], dataset: Dataset): string {
  const sections = scored.flatMap(({ details, ...each }) => {
    const { what, split, score } = each;
    const scores = measured(score.metrics).map(({ metric, value }) => `${metric.label} ${metricText(metric, value)}`);
    const facts = [what, `${score.examples} examples: ${scores.join(', ')}`];
    const picture = (index: number) => pictureUrl(dataset, dataset[split], index);
    return details ? [{ title: titleOf(each), facts, details, picture }] : [];
  });
  return evaluatedPage({ runId, classNames: dataset.classNames, sections });
}

/** Writes the files that options name. Returns a line about each. */
async function writeViews(
  { runId, html, sheet }: EvalOptions,
  scored: readonly Scored[],
  dataset: Dataset,
): Promise<readonly string[]> {
  const written: string[] = [];
  if (html !== undefined) {
    await orUnwritable(html, () => writeFile(html, pageOf(runId, scored, dataset)));
    written.push(html);
  }
  // Of the first model, on the last split.
  const first = scored.findLast(({ role }) => role === scored[0]?.role);
  if (sheet !== undefined && first?.details) {
    const { split, details } = first;
    const picture = encodePng(worstSheet(dataset, dataset[split], details));
    if (details.worst.length > 0) await orUnwritable(sheet, () => writeFile(sheet, picture));
    written.push(details.worst.length > 0 ? sheet : `${titleOf(first)}: no wrong answers, so ${sheet} was not written`);
  }
  return written;
}

/** Scores as a table. */
export function scoresText(scored: readonly Scored[]): string {
  const all = scored.map(({ score }) => score.metrics);
  const metrics = measured(Object.assign({}, ...all)).map(({ metric }) => metric);
  const table = new Table({
    head: ['model', 'params', 'split', ...metrics.map(({ label }) => label), 'examples', 'recorded'],
    colAligns: ['left', 'left', 'left', ...metrics.map(() => 'right' as const), 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { role, what, split, score, recorded } of scored) {
    table.push([
      role,
      what,
      split,
      ...metrics.map((metric) => valueText(metric, score)),
      score.examples,
      comparison(score, recorded),
    ]);
  }
  return table.toString();
}

function comparison(score: Score, recorded: Score | undefined): string {
  if (!recorded) return '';
  const same = Object.entries(recorded.metrics).every(([name, value]) => score.metrics[name] === value);
  return same ? 'the same' : scoreText(recorded.metrics);
}

/** The pixels of an image of a split. */
function pixelsOf(shape: ImageShape, { images }: LabelledImages, index: number): Uint8Array {
  const size = imageBytes(shape);
  return images.subarray(index * size, (index + 1) * size);
}

/** An image of a split as the URL of a PNG file. */
export function pictureUrl(shape: ImageShape, split: LabelledImages, index: number): string {
  return `data:image/png;base64,${encodePng(pictureOf(shape, pixelsOf(shape, split, index))).toString('base64')}`;
}

/**
 * The images that a model errs most on: a row for each class that has some, with the worst of its images; or the hardest pairs, each on two
 * neighbouring places, those of one identity in the first row.
 */
export function worstSheet(shape: ImageShape, split: LabelledImages, details: TaskDetails): Sheet {
  const rows = details.kind === 'classes' ? byClass(details.worst) : byKind(details.worst, gridOf(shape).columns);
  return pictureSheet(
    shape,
    rows.map((row) => row.map((index) => pixelsOf(shape, split, index))),
  );
}

type Worst<Kind extends TaskDetails['kind']> = Extract<TaskDetails, { readonly kind: Kind }>['worst'];

function byClass(worst: Worst<'classes'>): readonly (readonly number[])[] {
  const rows = new Map<number, number[]>();
  for (const { label, index } of worst) rows.set(label, [...(rows.get(label) ?? []), index]);
  return [...rows].sort(([a], [b]) => a - b).map(([, indices]) => indices);
}

function byKind(worst: Worst<'pairs'>, columns: number): readonly (readonly number[])[] {
  const most = Math.max(1, Math.floor(columns / 2));
  return [true, false].map((isSame) =>
    worst
      .filter(({ same }) => same === isSame)
      .slice(0, most)
      .flatMap(({ left, right }) => [left, right]),
  );
}
