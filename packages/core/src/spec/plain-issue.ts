import type { z } from 'zod';

/** Names of types for people. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a section',
  record: 'a section',
  null: 'nothing',
};

/**
 * What is wrong with a setting, in words for the author of a file: `expected a number, found text`. It never quotes a value, which may be a
 * secret. For `safeParse(value, { error: plainIssue })`; messages of the schema itself come first.
 */
export const plainIssue: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type': {
      const expected = typed(issue.expected);
      return issue.input === undefined
        ? `missing: expected ${expected}`
        : `expected ${expected}, found ${found(issue.input)}`;
    }
    case 'invalid_value':
      return `${missing(issue.input)}expected ${choice(issue.values)}`;
    case 'invalid_union':
      if (issue.discriminator === undefined) return;
      return `${missing(fieldOf(issue.input, issue.discriminator))}expected ${choice(issue.options)}`;
    case 'too_small':
      return `expected ${bound(issue.origin, issue.inclusive ? 'at least' : 'more than', issue.minimum)}`;
    case 'too_big':
      return `expected ${bound(issue.origin, issue.inclusive ? 'at most' : 'less than', issue.maximum)}`;
    case 'unrecognized_keys':
      return `there is no setting ${issue.keys.join(', ')}`;
    default:
      return;
  }
};

function typed(expected: string): string {
  return TYPES[expected] ?? expected;
}

function found(input: unknown): string {
  if (input === null) return typed('null');
  if (Array.isArray(input)) return typed('array');
  return typeof input === 'number' ? 'another number' : typed(typeof input);
}

function missing(input: unknown): string {
  return input === undefined ? 'missing: ' : '';
}

function fieldOf(input: unknown, name: string): unknown {
  return typeof input === 'object' && input !== null ? Object.entries(input).find(([key]) => key === name)?.[1] : '';
}

/** `a, b or c` */
function choice(values: unknown): string {
  const names = Array.isArray(values) ? values.map(String) : [];
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** `at least 1`, or of what has a length `at least 1 item`. */
function bound(origin: string, relation: string, limit: number | bigint): string {
  const unit = origin === 'array' ? 'item' : origin === 'string' ? 'character' : undefined;
  return unit === undefined ? `${relation} ${limit}` : `${relation} ${limit} ${unit}${Number(limit) === 1 ? '' : 's'}`;
}
