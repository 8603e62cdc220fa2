import { measured } from '@trikd/core/tasks/metrics';
import { type ComparedRun, comparedRun } from '@trikd/events/compare-runs';
import { metricText, primaryText } from '@trikd/events/names';
import {
  type ListRunsResponse,
  type Run,
  Run as RunMessage,
  RunPhase,
  UnreadableRun as UnreadableMessage,
  type UnreadableRun,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { unary } from '@trikd/transport/grpc/clients';
import Table from 'cli-table3';
import type { Asking } from '../../server/ask.js';
import { runJson } from '../../terminal/json-messages.js';
import { type Paint, paintedPhase } from '../../terminal/paint.js';
import { csv, printable } from '../../terminal/printable.js';
import { age, clock, size } from '../../terminal/texts.js';
import { fieldsOf, type RunField } from './choose-runs.js';
import { placeText, productText } from './get.js';

/** All runs of a server. */
export interface RunList {
  readonly runs: readonly Run[];
  readonly unreadable: readonly UnreadableRun[];
}

const PAGE_SIZE = 200;

/** Reads all pages of the list. @param phases empty: all */
export async function allRuns({ client, how }: Asking, phases: readonly RunPhase[]): Promise<RunList> {
  const pages: ListRunsResponse[] = [];
  let pageToken = '';
  do {
    const request = { pageSize: PAGE_SIZE, pageToken, phases: [...phases] };
    const page = await unary(client.listRuns.bind(client), request, how);
    pages.push(page);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return { runs: pages.flatMap(({ runs }) => runs), unreadable: pages.flatMap(({ unreadable }) => unreadable) };
}

/** The list, for programs: messages in the JSON of protobuf. */
export function listJson({ runs, unreadable }: RunList): object {
  return {
    runs: runs.map((run) => RunMessage.toJSON(run)),
    unreadable: unreadable.map((one) => UnreadableMessage.toJSON(one)),
  };
}

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
  return [
    left('run', ({ run }) => printable(run.runId)),
    left('phase', ({ run }) => phaseText(run, paint)),
    left('method', ({ compared }) => printable(compared.method ?? '')),
    right('seed', ({ compared }) => String(compared.seed ?? '')),
    ...(wide ? modelColumns(runs) : []),
    right('stage', ({ run }) => placeText(run)),
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

/** A run of a list. */
interface ListedRun {
  readonly run: Run;
  readonly compared: ComparedRun;
  /** What it can be sorted and chosen by. */
  readonly fields: ReadonlyMap<string, RunField>;
}

export function listedRun(run: Run): ListedRun {
  const json = runJson(run);
  return { run, compared: comparedRun(json), fields: fieldsOf(json) };
}
