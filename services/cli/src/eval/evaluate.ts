import { loadParams } from '@trikd/core/checkpoint/blobs';
import type { Score } from '@trikd/core/domain/score';
import { measured } from '@trikd/core/tasks/metrics';
import { scoreText, valueText } from '@trikd/events/metric-text';
import Table from 'cli-table3';
import { openRun } from '../checkpoint/open-run.js';
import { datasetOf } from '../run-data.js';
import type { TaskProgress } from '../task-process.js';
import { formatted } from '../texts.js';
import type { EvalOptions, SplitName } from './command.js';
import { type Subject, subjectsOf } from './subjects.js';

/** A model's score on a split. */
export interface Scored extends Omit<Subject, 'model' | 'recorded'> {
  readonly split: SplitName;
  readonly score: Score;
  /** Score of the same params that the run recorded. */
  readonly recorded?: Score;
}

/** `trikd eval`. Returns the text to print. @throws TrikdError for everything that a user can correct */
export async function evaluateRun(
  options: EvalOptions,
  env: Readonly<Record<string, string | undefined>>,
  progress: TaskProgress,
): Promise<string> {
  const { runId, from, splits, output } = options;
  const run = await openRun(runId, from, env);
  const subjects = await subjectsOf(run, options);
  const dataset = await datasetOf(run.spec, env);
  // TensorFlow takes a second to load, and no other command needs it.
  const { openJudged } = await import('@trikd/core/training/judge');
  const scored: Scored[] = [];
  for (const { model: spec, recorded, ...subject } of subjects) {
    const { role, blob } = subject;
    const model = await openJudged(run.spec, dataset, spec, await loadParams(run.store, blob));
    try {
      for (const split of splits) {
        const report = (done: number) => progress(`${role} on ${split}`, done, dataset[split].count);
        const score = await model.score(split, report);
        const known = recorded[split];
        scored.push({ ...subject, split, score, ...(known && { recorded: known }) });
      }
    } finally {
      await model.close();
    }
  }
  return output === 'table' ? scoresText(scored) : formatted({ runId, scores: scored }, output);
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
