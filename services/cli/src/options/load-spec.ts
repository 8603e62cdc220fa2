import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { closest } from '@trikd/core/domain/closest';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { newRun } from '@trikd/core/spec/new-run';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { runFileIn } from '@trikd/events/report';
import { modulesFolder } from '@trikd/process/environment';
import { readText } from '@trikd/process/read-text';
import { findModule, keepModule, readModule } from '@trikd/process/user-modules';
import { type Document, isMap, isNode, Lexer, LineCounter, parse, parseDocument } from 'yaml';
import type { z } from 'zod';
import { settingsAt } from './settings.js';

/** `--set student.learningRate=0.1` */
export interface Override {
  readonly path: readonly string[];
  /** YAML; `null` removes the setting, unless null is one of its values. */
  readonly value: string;
}

/** Bytes of a file, and words and marks in it, at most: far more than any spec has, and fast to parse. */
const MOST_BYTES = 64 * 1024;
const MOST_TOKENS = 10_000;

/** Bytes of a report, at most: its history has a bounded size too. */
const MOST_REPORT_BYTES = 32 * 1024 * 1024;

/** Mistakes that are described; the others are counted. */
const MOST_MISTAKES = 32;

/**
 * Reads the spec of a run: a YAML file, or a report, which holds one.
 * @throws TrikdError `invalid` without the file, and with every mistake, its setting and, where it has one, its line
 */
export function loadSpec(file: string, overrides: readonly Override[]): RunSpec {
  return newRun(loadSettings(file, overrides, RunSpec, settingsAt));
}

/**
 * Reads a file of settings.
 * @param names of the settings that there are at a place: one of them may have been meant
 * @throws TrikdError as `loadSpec` does
 */
export function loadSettings<T>(
  file: string,
  overrides: readonly Override[],
  schema: z.ZodType<T>,
  names: (path: readonly PropertyKey[]) => readonly string[] = () => [],
): T {
  const lines = new LineCounter();
  const { name, text } = textIn(file);
  const document = documentOf(text, name, lines);
  for (const override of overrides) apply(document, override);
  const parsed = () => schema.safeParse(withNamedModules(settingsIn(document, name), file), { error: plainIssue });
  let result = parsed();
  const removed = result.success ? [] : refusedNulls(result.error.issues, overrides, document);
  for (const path of removed) document.deleteIn(path);
  if (removed.length > 0) result = parsed();
  if (result.success) return result.data;
  const issues = result.error.issues.flatMap(eachKey);
  const mistakes = issues.slice(0, MOST_MISTAKES).map((issue) => mistakeOf(issue, names, document, name, lines));
  throw invalid(name, mistakes, issues.length);
}

/** The text of a spec, with its name for messages. */
function textIn(file: string): { readonly name: string; readonly text: string } {
  if (!/\.html?$/i.test(file)) return { name: file, text: readText(file, MOST_BYTES) };
  const text = runFileIn(readText(file, MOST_REPORT_BYTES));
  const name = `the run file in ${file}`;
  if (text === undefined) {
    throw new TrikdError('invalid', `${file} holds no run file: \`trikd report RUN\` writes a report that does`);
  }
  if (text.length > MOST_BYTES) throw new TrikdError('invalid', `${name} has more than ${MOST_BYTES} characters`);
  return { name, text };
}

function documentOf(text: string, file: string, lines: LineCounter): Document {
  let tokens = 0;
  // Counting is fast whatever the text; parsing is not.
  for (const _ of new Lexer().lex(text)) {
    if (++tokens > MOST_TOKENS) throw new TrikdError('invalid', `${file} has more than ${MOST_TOKENS} words and marks`);
  }
  const document = parseDocument(text, { lineCounter: lines });
  const { errors } = document;
  if (errors.length === 0) return document;
  const mistakes = errors
    .slice(0, MOST_MISTAKES)
    .map(({ message, pos }) => `${file}:${lines.linePos(pos[0]).line}: ${reasonOf(message)}`);
  throw invalid(file, mistakes, errors.length);
}

/** The parser recurses. */
function reasonOf(message: string): string {
  return message.startsWith('Maximum call stack') ? 'it is nested too deeply' : firstLine(message);
}

function settingsIn(document: Document, file: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (cause) {
    throw new TrikdError('invalid', `${file}: ${messageOf(cause)}`, {}, { cause });
  }
}

function apply(document: Document, { path, value }: Override): void {
  const name = path.join('.');
  const parent = path.slice(0, -1);
  try {
    for (const depth of parent.keys()) {
      const above = parent.slice(0, depth + 1);
      if (document.getIn(above) === undefined) document.setIn(above, document.createNode({}));
    }
    document.setIn(path, parse(value));
  } catch (cause) {
    throw new TrikdError('invalid', `cannot set ${name} to ${value}: ${messageOf(cause)}`);
  }
}

/** Paths that an override has set to null where the schema wants something else. Null for an unknown setting stays a mistake. */
function refusedNulls(
  issues: readonly Issue[],
  overrides: readonly Override[],
  document: Document,
): readonly (readonly string[])[] {
  const refused = new Set(issues.map(({ code, path }) => (code === 'custom' ? '' : path.join('.'))));
  const wanted = overrides.filter(({ value }) => value.trim() !== '').map(({ path }) => path);
  return wanted.filter((path) => (document.getIn(path) ?? undefined) === undefined && refused.has(path.join('.')));
}

type Issue = z.core.$ZodIssue;

/** An issue about several unknown settings as one issue for each. */
function eachKey(issue: Issue): readonly Issue[] {
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => ({ ...issue, keys: [key] })) : [issue];
}

function mistakeOf(
  issue: Issue,
  names: (path: readonly PropertyKey[]) => readonly string[],
  document: Document,
  file: string,
  lines: LineCounter,
): string {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code !== 'unrecognized_keys') return mistake(path, issue.message, document, file, lines);
  const [key = ''] = issue.keys;
  const meant = closest(key, names(path));
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return mistake([...path, key], `there is no such setting${hint}`, document, file, lines);
}

function mistake(
  path: readonly (string | number)[],
  message: string,
  document: Document,
  file: string,
  lines: LineCounter,
): string {
  const offset = offsetOf(path, document);
  const place = offset === undefined ? file : `${file}:${lines.linePos(offset).line}`;
  return `${place}: ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`;
}

/** Offset of a path, or of its nearest parent, in the file. Overrides have none. */
function offsetOf(path: readonly (string | number)[], document: Document): number | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
    const key = path[depth - 1];
    const pair = isMap(parent) ? parent.items.find((item) => keyOf(item.key) === String(key)) : undefined;
    const node = pair ? pair.key : document.getIn(path.slice(0, depth), true);
    if (isNode(node)) return node.range?.[0];
  }
  return undefined;
}

function keyOf(key: unknown): string {
  return isNode(key) ? String(key.toJSON()) : String(key);
}

/** @param all number of the mistakes, those that are not described included */
function invalid(file: string, mistakes: readonly string[], all: number): TrikdError {
  const count = all === 1 ? '1 mistake' : `${all} mistakes`;
  const more = all > mistakes.length ? `\n  and ${all - mistakes.length} more` : '';
  return new TrikdError('invalid', `${file} has ${count}:\n${mistakes.map((line) => `  ${line}`).join('\n')}${more}`);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.replace(/:$/, '') ?? text;
}

/**
 * The settings of a run with the SHA-256 of each module that they name by its file, and with the name of that file alone: the run is the
 * same wherever the file is. The texts are kept, so that the services of this user and later commands find them by their digests. A file that
 * is not there may be one of them: the run file in a report names modules as they were.
 * @param file of the settings, from which paths are seen
 * @throws TrikdError 'invalid' for a file that cannot be read, or has another digest than the settings say
 */
function withNamedModules(settings: unknown, file: string): unknown {
  if (Array.isArray(settings)) return settings.map((each) => withNamedModules(each, file));
  if (settings === null || typeof settings !== 'object') return settings;
  const fields = Object.entries(settings).map(([name, value]) => [name, withNamedModules(value, file)]);
  return { ...Object.fromEntries(fields), ...named(settings, file) };
}

function named(settings: object, file: string): object {
  if (!('kind' in settings && settings.kind === 'module' && 'file' in settings)) return {};
  // What is no text, or no module, is reported with the other mistakes.
  if (typeof settings.file !== 'string' || !/\.(ts|mts|js|mjs)$/.test(settings.file)) return {};
  const path = resolve(dirname(file), settings.file);
  if ('sha256' in settings && typeof settings.sha256 === 'string' && !existsSync(path)) {
    const kept = { file: basename(settings.file), sha256: settings.sha256 };
    findModule(modulesFolder(), kept);
    return kept;
  }
  const module = readModule(path);
  const { sha256 } = module;
  if ('sha256' in settings && settings.sha256 !== undefined && settings.sha256 !== sha256) {
    const problem = `the module ${settings.file} has the SHA-256 ${sha256}, not ${String(settings.sha256)}`;
    throw new TrikdError('invalid', problem, { module: settings.file });
  }
  keepModule(modulesFolder(), module);
  return { file: basename(settings.file), sha256 };
}
