import { closest } from '@trikd/core/domain/closest';
import { TrikdError } from '@trikd/core/domain/errors';
import { settingsIn } from '@trikd/core/spec/settings-in';
import { METRICS } from '@trikd/core/tasks/metrics';
import { taskOf } from '@trikd/core/tasks/task-of';
import { type ComparedRun, comparedRun } from '@trikd/events/compare-runs';
import { specIn } from '@trikd/events/names';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { InvalidArgumentError, Option } from 'commander';
import { settingPaths } from '../../options/settings.js';

const OPERATORS = ['!=', '<=', '>=', '=', '<', '>'] as const;

/** The metric that examples name: what decides by default. */
export const METRIC = taskOf({}).primary.name;

/** A condition on a field of runs. */
export interface Filter {
  readonly field: string;
  readonly operator: (typeof OPERATORS)[number];
  /** A number, or a text in which `*` stands for any characters. */
  readonly value: string;
}

/** What runs are sorted by. */
export interface Order {
  readonly field: string;
  readonly descending: boolean;
}

/** A run with its fields by name. */
export interface RunWithFields {
  readonly fields: ReadonlyMap<string, RunField>;
}

/** `--filter FIELD=VALUE` */
export function filterOption(): Option {
  return new Option(
    '--filter <condition>',
    `only runs for which it holds, such as method=kd or ${METRIC}>0.9; repeatable`,
  )
    .argParser((text: string, before: readonly Filter[]) => [...before, filterIn(text)])
    .default([]);
}

/** `--sort [-]FIELD` */
export function sortOption(): Option {
  return new Option('--sort <field>', 'sort by this field; -FIELD: the largest first (default: run)').argParser(
    orderIn,
  );
}

/** A condition from its text. @throws InvalidArgumentError when it is none */
export function filterIn(text: string): Filter {
  const [, field, sign, value = ''] = /^([A-Za-z][\w.-]*?)(!=|<=|>=|=|<|>)(.*)$/s.exec(text) ?? [];
  const operator = OPERATORS.find((each) => each === sign);
  if (field !== undefined && operator !== undefined) return { field, operator, value };
  throw new InvalidArgumentError(`Expected a condition such as method=kd, seed!=0 or ${METRIC}>0.9.`);
}

function orderIn(text: string): Order {
  const [, minus, field] = /^(-?)([A-Za-z][\w.-]*)$/.exec(text) ?? [];
  if (field === undefined) throw new InvalidArgumentError(`Expected a field such as ${METRIC}, or -${METRIC}.`);
  return { field, descending: minus === '-' };
}

/**
 * The runs for which all filters hold, sorted.
 * @throws TrikdError 'invalid' for a field that no run can have, with the nearest one
 */
export function chosenRuns<Run extends RunWithFields>(
  runs: readonly Run[],
  filters: readonly Filter[],
  order: Order = { field: 'run', descending: false },
): readonly Run[] {
  for (const { field } of [...filters, order]) assertField(field, runs);
  const chosen = runs.filter(({ fields }) => filters.every((filter) => holds(filter, fields.get(filter.field))));
  return chosen.toSorted((a, b) => compared(a.fields.get(order.field), b.fields.get(order.field), order.descending));
}

function holds({ operator, value }: Filter, field: RunField | undefined): boolean {
  const same = field !== undefined && equals(field, value);
  if (operator === '=') return same;
  if (operator === '!=') return !same;
  if (field === undefined) return false;
  return COMPARISONS[operator](typeof field === 'number' ? field - Number(value) : natural.compare(field, value));
}

/** By what is left of a field without the value. */
const COMPARISONS: Readonly<Record<Exclude<Filter['operator'], '=' | '!='>, (difference: number) => boolean>> = {
  '<': (difference) => difference < 0,
  '<=': (difference) => difference <= 0,
  '>': (difference) => difference > 0,
  '>=': (difference) => difference >= 0,
};

function equals(field: RunField, value: string): boolean {
  if (typeof field === 'number') return value.trim() !== '' && field === Number(value);
  const parts = value.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(field);
}

/** lr-5 comes before lr-45. */
const natural = new Intl.Collator('en', { numeric: true });

/** Runs without the field are last in either direction. */
function compared(a: RunField | undefined, b: RunField | undefined, descending: boolean): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const ascending = typeof a === 'number' && typeof b === 'number' ? a - b : natural.compare(String(a), String(b));
  return descending ? -ascending : ascending;
}

function assertField(field: string, runs: readonly RunWithFields[]): void {
  if (runs.some(({ fields }) => fields.has(field))) return;
  const metrics = METRICS.flatMap(({ name }) => [name, `test.${name}`]);
  const known = [...RUN_FIELDS, ...metrics, ...settingPaths()];
  if (known.includes(field)) return;
  const meant = closest(field, known);
  const hint = meant === undefined ? `such as ${METRIC}, seed or student.learningRate` : `did you mean ${meant}?`;
  throw new TrikdError('invalid', `runs have no field ${field}; ${hint}`);
}

/** What a run can be sorted and chosen by: numbers, and texts; times are ISO 8601. */
export type RunField = string | number;

/** Names of the fields that do not depend on task and spec. */
const RUN_FIELDS = [
  ...['run', 'phase', 'method', 'seed', 'stage', 'steps', 'seconds', 'created', 'changed', 'ended', 'owner', 'team'],
] as const;

/** The fields of a run by name: of the run, its metrics, its settings by path. Those that it does not have are absent. */
export function fieldsOf(run: Run): ReadonlyMap<string, RunField> {
  const compared = comparedRun(run);
  return new Map([...settingFields(run), ...metricFields(compared), ...ownFields(run, compared)]);
}

function ownFields(run: Run, { runId, phase, method, seed, steps, seconds }: ComparedRun) {
  const { stage, createTime, updateTime, endTime, owner } = run;
  const fields = {
    ...{ run: runId, phase, method, seed, stage, steps, seconds },
    ...{ created: createTime, changed: updateTime, ended: endTime, owner: owner?.subject, team: owner?.team },
  } satisfies Record<(typeof RUN_FIELDS)[number], RunField | undefined>;
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

function metricFields({ result }: ComparedRun): readonly (readonly [string, number])[] {
  if (!result) return [];
  const test = Object.entries(result.test ?? {}).map(([name, value]) => [`test.${name}`, value] as const);
  return [...Object.entries(result.validation), ...test];
}

function settingFields({ spec }: Run): readonly (readonly [string, RunField])[] {
  const settings = specIn(spec);
  if (settings === undefined) return [];
  return [...settingsIn(settings)].map(([path, json]) => {
    const value: unknown = JSON.parse(json);
    return [path, typeof value === 'number' || typeof value === 'string' ? value : json] as const;
  });
}
