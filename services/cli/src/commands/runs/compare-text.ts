import { gainOver, type Metric } from '@trikd/core/tasks/metric';
import type { ComparedRun, RunComparison } from '@trikd/events/compare-runs';
import { metricText } from '@trikd/events/names';
import Table from 'cli-table3';
import type { Paint } from '../../terminal/paint.js';
import { csv, printable } from '../../terminal/printable.js';
import { clock, size } from '../../terminal/texts.js';

type Row = readonly [name: string, ...texts: readonly string[]];

/** Runs side by side, a column each, for people: the best value of a metric is bold. */
export function comparisonText(comparison: RunComparison, specOnly: boolean, paint: Paint): string {
  const { runs, differences } = comparison;
  const table = new Table({
    head: ['', ...runs.map(({ runId }) => printable(runId))],
    colAligns: ['left', ...runs.map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  const settings = differences.map(({ path, values }): Row => [path, ...values.map(settingText)]);
  // The seed of each run is among the results.
  const others = settings.filter(([path]) => path !== 'seed');
  const rows = specOnly ? settings : [...resultRows(comparison, paint), ...others];
  if (rows.length > 0) table.push(...rows.map((row) => [...row]));
  const none = differences.length === 0 ? ['their settings are equal'] : [];
  return [...(rows.length > 0 ? [table.toString()] : []), ...none].join('\n');
}

/** A setting as the run file has it. */
function settingText(json: string | undefined): string {
  if (json === undefined) return '';
  const value: unknown = JSON.parse(json);
  return printable(typeof value === 'string' ? value : json);
}

function resultRows({ runs, metrics }: RunComparison, paint: Paint): readonly Row[] {
  const each = (name: string, text: (run: ComparedRun) => string): Row => [name, ...runs.map(text)];
  const learners = [...new Set(runs.flatMap(({ models }) => Object.keys(models)))];
  const rows: readonly Row[] = [
    each('phase', ({ phase }) => phase),
    each('method', ({ method }) => printable(method ?? '')),
    each('seed', ({ seed }) => String(seed ?? '')),
    ...learners.map((name) => each(printable(name), ({ models }) => printable(models[name] ?? ''))),
    each('result', ({ result }) => (result ? `${printable(result.learner)} of ${printable(result.stage)}` : '')),
    ...metrics.flatMap((metric) => metricRows(metric, runs, paint)),
    each('params', ({ result }) => (result && result.bytes > 0 ? size(result.bytes) : '')),
    each('steps', ({ steps }) => String(steps)),
    each('time', ({ seconds }) => (seconds === undefined ? '' : clock(seconds))),
  ];
  return rows.filter(([, ...texts]) => texts.some((text) => text !== ''));
}

function metricRows(metric: Metric, runs: readonly ComparedRun[], paint: Paint): readonly Row[] {
  const row = (split: string, values: readonly (number | undefined)[]): Row => {
    const known = values.filter((value) => value !== undefined);
    const best = known.toSorted((a, b) => gainOver(metric.better, b, a))[0];
    return [
      `${metric.label}, ${split}`,
      ...values.map((value) => {
        if (value === undefined) return '';
        const text = metricText(metric, value);
        return value === best && known.length > 1 ? paint('bold', text) : text;
      }),
    ];
  };
  return [
    row(
      'validation',
      runs.map(({ result }) => result?.validation[metric.name]),
    ),
    row(
      'test',
      runs.map(({ result }) => result?.test?.[metric.name]),
    ),
  ];
}

/** Runs side by side as CSV: a row for each fact and each setting that differs. */
export function comparisonCsv({ runs, metrics, differences }: RunComparison, specOnly: boolean): string {
  const each = (name: string, value: (run: ComparedRun) => string | number | undefined) => [name, ...runs.map(value)];
  const results = [
    ...[each('phase', ({ phase }) => phase), each('method', ({ method }) => method), each('seed', ({ seed }) => seed)],
    ...metrics.flatMap(({ name }) => [
      each(name, ({ result }) => result?.validation[name]),
      each(`test.${name}`, ({ result }) => result?.test?.[name]),
    ]),
    each('paramBytes', ({ result }) => result?.bytes),
    each('steps', ({ steps }) => steps),
    each('seconds', ({ seconds }) => seconds),
  ];
  const settings = differences.map(({ path, values }) => [path, ...values]);
  return csv([each('run', ({ runId }) => runId), ...(specOnly ? [] : results), ...settings]);
}
