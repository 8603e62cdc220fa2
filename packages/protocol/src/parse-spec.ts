import { parseStrictJson } from '@trikd/core/checkpoint/json';
import { messageOf, TrikdError, visible } from '@trikd/core/domain/errors';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { z } from 'zod';
import type { FieldViolation } from './status.js';

/** Characters: far more than any spec has, and fast to parse. */
export const MAX_SPEC = 64 * 1024;

/** Mistakes that are reported at once: a list of thousands of wrong items helps nobody. */
const MOST_MISTAKES = 32;

/**
 * Parses the JSON of a run spec and fills in the defaults.
 * @throws TrikdError 'invalid' with every mistake, and with their fields in `details.violations`
 */
export function parseSpec(json: string): RunSpec {
  if (json.length > MAX_SPEC) {
    throw invalidSpec(`the spec has ${json.length} characters, more than ${MAX_SPEC}`);
  }
  let value: unknown;
  try {
    value = parseStrictJson(json);
  } catch (cause) {
    throw invalidSpec(`the spec is not JSON: ${messageOf(cause)}`, { cause });
  }
  const result = RunSpec.safeParse(value, { error: plainIssue });
  if (result.success) return result.data;
  const { issues } = result.error;
  const reported = new z.ZodError(issues.slice(0, MOST_MISTAKES));
  const more = issues.length > MOST_MISTAKES ? `\n${issues.length - MOST_MISTAKES} more mistakes` : '';
  throw new TrikdError('invalid', `the spec is invalid:\n${z.prettifyError(reported)}${more}`, {
    violations: reported.issues.flatMap(violationsIn),
  });
}

function invalidSpec(sentence: string, options?: ErrorOptions): TrikdError {
  return new TrikdError('invalid', sentence, { field: 'spec' }, options);
}

/** The fields that an issue is about. */
function violationsIn(issue: z.core.$ZodIssue): readonly FieldViolation[] {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [];
  if (unknown.length > 0) {
    return unknown.map((key) => ({ field: pathOf([...issue.path, key]), description: 'there is no such field' }));
  }
  return [{ field: pathOf(issue.path), description: issue.message }];
}

/** Such as `spec.student.objective[0].weight`. */
function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${visible(String(part))}`),
    'spec',
  );
}
