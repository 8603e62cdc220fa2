import { writeFile } from 'node:fs/promises';
import { loadParams } from '@trikd/core/checkpoint/blobs';
import type { Dataset } from '@trikd/core/data/split';
import type { Score } from '@trikd/core/domain/score';
import { measured } from '@trikd/core/tasks/metrics';
import type { TaskDetails } from '@trikd/core/tasks/task-details';
import { metricText, scoreText, valueText } from '@trikd/events/metric-text';
import { encodePng } from '@trikd/model-host/data/images/encode-png';
import { orUnwritable } from '@trikd/model-host/data/or-unwritable';
import Table from 'cli-table3';
import { openRun } from '../checkpoint/open-run.js';
import { datasetOf } from '../run-data.js';
import type { TaskProgress } from '../task-process.js';
import { formatted } from '../texts.js';
import type { EvalOptions, SplitName } from './command.js';
import { detailsText } from './details-text.js';
import { evaluatedPage } from './html-page.js';
import { pictureUrl, worstSheet } from './pictures.js';
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
  // A run of an earlier version recorded fewer metrics.
  const same = Object.entries(recorded.metrics).every(([name, value]) => score.metrics[name] === value);
  return same ? 'the same' : scoreText(recorded.metrics);
}
