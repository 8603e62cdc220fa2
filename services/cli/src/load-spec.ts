import { TrikdError } from '@trikd/core/domain/errors';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { readText } from '@trikd/process/read-text';
import { type Document, isMap, isNode, LineCounter, parse, parseDocument } from 'yaml';
import type { z } from 'zod';
import { closest } from './closest.js';
import { settingsAt } from './settings.js';

/** `--set student.learningRate=0.1` */
export interface Override {
  readonly path: readonly string[];
  /** YAML. */
  readonly value: string;
}

/**
 * Reads the spec of a run.
 * @throws TrikdError `invalid` without the file, and with every mistake, its setting and, where it has one, its line
 */
export function loadSpec(file: string, overrides: readonly Override[]): RunSpec {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines });
  if (document.errors.length > 0) {
    const mistakes = document.errors.map(
      ({ message, pos }) => `${file}:${lines.linePos(pos[0]).line}: ${firstLine(message)}`,
    );
    throw invalid(file, mistakes);
  }
  for (const override of overrides) apply(document, override);
  const result = RunSpec.safeParse(document.toJS() ?? {}, { error: plainIssue });
  if (result.success) return result.data;
  throw invalid(
    file,
    result.error.issues.flatMap((issue) => mistakesOf(issue, document, file, lines)),
  );
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
    throw new TrikdError(
      'invalid',
      `cannot set ${name} to ${value}: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
}

type Issue = z.core.$ZodIssue;

function mistakesOf(issue: Issue, document: Document, file: string, lines: LineCounter): string[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code !== 'unrecognized_keys') return [mistake(path, issue.message, document, file, lines)];
  const known = settingsAt(path);
  return issue.keys.map((key) => {
    const meant = closest(key, known);
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    return mistake([...path, key], `there is no such setting${hint}`, document, file, lines);
  });
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

function invalid(file: string, mistakes: readonly string[]): TrikdError {
  const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`;
  return new TrikdError('invalid', `${file} has ${count}:\n${mistakes.map((line) => `  ${line}`).join('\n')}`);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.replace(/:$/, '') ?? text;
}
