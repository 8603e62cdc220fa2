import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { type ComparedSetting, comparedSettings } from '@trikd/events/compare-runs';
import { methodIn, specIn } from '@trikd/events/names';
import { at } from '../api.js';
import { objectiveText } from '../run/configuration-of.js';

/** One line of a table of settings: a setting, or a whole list. */
export interface SettingRow {
  /** `student.learningRate`, `student.objective`, `student.objective.0.weight` */
  readonly path: string;
  /** As people read them, one for each run; undefined where a run does not have the setting, or its spec is not known. */
  readonly values: readonly (string | undefined)[];
  /** Whether two runs with a known spec do not agree. */
  readonly differs: boolean;
}

/** Longest JSON of a list that is shown as it is, in characters. */
const SHORT = 60;

/**
 * The settings of runs as rows. A list of numbers or names is one row. Any other list gets a row that sums it up where a run
 * does not have it, and then its parts differ only if they do among those that have it.
 * @param texts specs as JSON
 */
export function settingRows(texts: readonly string[]): readonly SettingRow[] {
  const specs = texts.map(specIn);
  const settings = comparedSettings(specs).filter(({ path }) => path !== 'method' && path !== 'method.kind');
  const lists = new Map<string, ComparedSetting[]>();
  for (const setting of settings) {
    const list = listOf(setting, specs);
    lists.set(list, [...(lists.get(list) ?? []), setting]);
  }
  const rows = [...lists].flatMap(([path, parts]) => rowsOf(path, parts, specs));
  // A spec that names no method has one.
  return [row('method', texts.map(methodIn), specs), ...rows];
}

/** The path of the outermost list that a setting is in; its own if it is in none. */
function listOf({ path }: ComparedSetting, specs: readonly unknown[]): string {
  const names = path.split('.');
  const depth = names.findIndex((_, index) => specs.some((spec) => Array.isArray(at(spec, ...names.slice(0, index)))));
  return depth < 0 ? path : names.slice(0, depth).join('.');
}

function rowsOf(path: string, parts: readonly ComparedSetting[], specs: readonly unknown[]): readonly SettingRow[] {
  const found = specs.map((spec) => at(spec, ...path.split('.')));
  const isPlain = found.every((value) => !Array.isArray(value) || value.every((each) => Object(each) !== each));
  const isList = found.some(Array.isArray);
  if (isList && isPlain) return [row(path, found.map(listText), specs)];
  const isMissing = found.some((value, index) => value === undefined && specs[index] !== undefined);
  if (!isList || !isMissing) return parts.map(({ values, ...part }) => ({ ...part, values: values.map(plain) }));
  const summary = row(
    path,
    found.map((value) => summaryOf(path, value)),
    specs,
  );
  return [
    summary,
    ...parts.map(({ path: of, values }) => {
      const those = values.filter((_, index) => found[index] !== undefined);
      return { path: of, values: values.map(plain), differs: new Set(those).size > 1 };
    }),
  ];
}

function row(path: string, values: readonly (string | undefined)[], specs: readonly unknown[]): SettingRow {
  const known = values.filter((_, index) => specs[index] !== undefined);
  return { path, values, differs: new Set(known).size > 1 };
}

function listText(value: unknown): string | undefined {
  return value === undefined ? undefined : plain(canonicalJson(value));
}

/** What a list says, in short: not all that is in it. */
function summaryOf(path: string, value: unknown): string | undefined {
  if (!Array.isArray(value)) return listText(value);
  if (path.endsWith('objective')) return objectiveText(value);
  const text = canonicalJson(value);
  return text.length <= SHORT ? text : `${value.length} entries`;
}

/** JSON as people read it: a text without its quotes, a list of them without its brackets. */
function plain(json: string | undefined): string | undefined {
  if (json === undefined || json === '[]') return json;
  const [, list] = /^\[([^[\]{}]*)\]$/.exec(json) ?? [];
  const text = list === undefined ? json : list.replaceAll(',', ', ');
  return text.replace(/"([^"\\]*)"/g, '$1');
}
