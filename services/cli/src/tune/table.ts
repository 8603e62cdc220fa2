import type { Metric } from '@trikd/core/tasks/metric';
import Table from 'cli-table3';
import { spreadText } from '../study/markdown.js';
import type { Sample } from '../study/statistics.js';
import type { Trial } from './trials.js';

/** A trial, and how it validated in its last rung. */
export interface Ranked {
  readonly trial: Trial;
  readonly validation: Sample;
}

/** The trials of the last rung, the best first. */
export function tuneTable(ranked: readonly Ranked[], primary: Metric): string {
  const axes = Object.keys(ranked[0]!.trial.point);
  const table = new Table({
    head: ['trial', `validation ${primary.label}`, ...axes],
    colAligns: ['right', 'right', ...axes.map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const { trial, validation } of ranked) {
    table.push([trial.index, spreadText(primary, validation), ...axes.map((axis) => String(trial.point[axis]))]);
  }
  return table.toString();
}
