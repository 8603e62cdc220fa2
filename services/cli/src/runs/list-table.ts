import { measured } from '@trikd/core/tasks/metrics';
import { metricText, primaryText } from '@trikd/events/metric-text';
import type { Run, UnreadableRun } from '@trikd/protocol/gen/node/trikd/v1/run';
import Table from 'cli-table3';
import { csv } from '../csv.js';
import { type Paint, paintedPhase } from '../paint.js';
import { printable } from '../printable.js';
import { age, clock, size } from '../texts.js';
import type { ListedRun } from './listed-run.js';
import { ofGenerations, placeText, productText } from './place-text.js';

/** What a list shows. */
export interface ShownList {
  readonly runs: readonly ListedRun[];
  readonly unreadable: readonly UnreadableRun[];
}

/** How a table is written. */
export interface TableStyle {
  readonly now: Date;
  readonly paint: Paint;
  /** All that is known. */
  readonly wide: boolean;
}

interface Column {
  readonly head: string;
  readonly align: 'left' | 'right';
  readonly text: (run: ListedRun) => string;
}

/** The list, for people. A column that is empty in every row is left out. */
export function listText({ runs, unreadable }: ShownList, style: TableStyle): string {
  const damaged = unreadable.map(
    ({ runId, reason }) => `${style.paint('red', 'unreadable')}  ${printable(runId)}: ${printable(reason)}`,
  );
  if (runs.length === 0) return [...damaged, 'no runs'].join('\n');
  const columns = columnsOf(runs, style)
    .map(({ text, ...column }) => ({ ...column, texts: runs.map(text) }))
    .filter(({ texts }) => texts.some((text) => text !== ''));
  const table = new Table({
    head: columns.map(({ head }) => head),
    colAligns: columns.map(({ align }) => align),
    style: { head: [], border: [], compact: true },
  });
  table.push(...runs.map((_, row) => columns.map(({ texts }) => texts[row]!)));
  return [table.toString(), ...damaged].join('\n');
}

const left = (head: string, text: Column['text']): Column => ({ head, align: 'left', text });
const right = (head: string, text: Column['text']): Column => ({ head, align: 'right', text });

function columnsOf(runs: readonly ListedRun[], { now, paint, wide }: TableStyle): readonly Column[] {
  const generations = runs.every(({ run }) => ofGenerations(run));
  return [
    left('run', ({ run }) => printable(run.runId)),
    left('phase', ({ run }) => phaseText(run, paint)),
    left('method', ({ compared }) => printable(compared.method ?? '')),
    right('seed', ({ compared }) => String(compared.seed ?? '')),
    ...(wide ? modelColumns(runs) : []),
    right(generations ? 'generation' : 'stage', ({ run }) => placeText(run)),
    right('done', ({ run: { progress } }) =>
      progress && progress.stepsTotal > 0 ? `${Math.floor(progress.percent)} %` : '',
    ),
    right('steps/s', ({ run: { progress } }) =>
      progress && progress.stepsPerSecond > 0 ? progress.stepsPerSecond.toFixed(1) : '',
    ),
    right('time left', ({ run: { progress } }) =>
      progress?.secondsRemaining === undefined ? '' : clock(progress.secondsRemaining),
    ),
    right('validation', ({ compared }) => primaryText(compared.result?.validation) ?? ''),
    right('test', ({ compared }) => primaryText(compared.result?.test) ?? ''),
    ...(wide ? wideColumns(runs) : []),
    right('time', ({ compared: { seconds } }) => (seconds === undefined ? '' : clock(seconds))),
    left('changed', ({ run }) => {
      const changed = age(run.updateTime?.toISOString(), now);
      return changed === '' ? '' : `${changed} ago`;
    }),
  ];
}

function phaseText(run: Run, paint: Paint): string {
  const waits = run.stalls.length > 0 ? ', stalled' : '';
  const position = run.placement?.waiting ? `, position ${run.placement.waiting.position}` : '';
  return `${paintedPhase(run.phase, paint)}${waits}${position}`;
}

function modelColumns(runs: readonly ListedRun[]): readonly Column[] {
  return learnersIn(runs).map((name) =>
    left(printable(name), ({ compared }) => printable(compared.models[name] ?? '')),
  );
}

function learnersIn(runs: readonly ListedRun[]): readonly string[] {
  return [...new Set(runs.flatMap(({ compared }) => Object.keys(compared.models)))];
}

/** The metrics of results on the test split besides the one that decides, and what the results are. */
function wideColumns(runs: readonly ListedRun[]): readonly Column[] {
  return [
    ...metricsIn(runs)
      .slice(1)
      .map((metric) =>
        right(`${metric.label} (test)`, ({ compared }) => {
          const value = compared.result?.test?.[metric.name];
          return value === undefined ? '' : metricText(metric, value);
        }),
      ),
    left('result', ({ run }) => productText(run)),
    right('params', ({ compared: { result } }) => (result && result.bytes > 0 ? size(result.bytes) : '')),
    right('steps', ({ compared }) => String(compared.steps)),
    left('owner', ({ run: { owner } }) => printable(owner?.subject ?? '')),
  ];
}

function metricsIn(runs: readonly ListedRun[]) {
  const scores = runs.map(({ compared: { result } }) => ({ ...result?.validation, ...result?.test }));
  return measured(Object.assign({}, ...scores)).map(({ metric }) => metric);
}

/** The list as a table of numbers, for programs. */
export function listCsv(runs: readonly ListedRun[]): string {
  const [learners, metrics] = [learnersIn(runs), metricsIn(runs)];
  const head = [
    ...['run', 'phase', 'method', 'seed', ...learners.map((name) => `${name}.model`), 'learner', 'stage'],
    ...metrics.flatMap(({ name }) => [name, `test.${name}`]),
    ...['steps', 'seconds', 'paramBytes', 'created', 'ended'],
  ];
  const rows = runs.map(({ run, compared }) => {
    const { runId, phase, method, seed, models, result, steps, seconds } = compared;
    return [
      ...[runId, phase, method, seed, ...learners.map((name) => models[name]), result?.learner, result?.stage],
      ...metrics.flatMap(({ name }) => [result?.validation[name], result?.test?.[name]]),
      ...[steps, seconds, result?.bytes, run.createTime?.toISOString(), run.endTime?.toISOString()],
    ];
  });
  return csv([head, ...rows]);
}
