import { TrikdError } from '@trikd/core/domain/errors';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { z } from 'zod';
import type { FieldViolation } from './error-details.js';

/** Characters. Far above any spec, and far below what would cost time to parse. */
const LONGEST_SPEC = 64 * 1024;

/**
 * A run spec from its JSON, with the defaults filled in.
 * @throws TrikdError 'invalid' that lists every mistake, and names each field in `details.violations`.
 */
export function parseSpec(json: string): RunSpec {
  if (json.length > LONGEST_SPEC) {
    throw refused(`the spec has ${json.length} characters, at most ${LONGEST_SPEC} are read`);
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw refused(`the spec is not JSON: ${String(cause)}`, { cause });
  }
  const result = RunSpec.safeParse(value, { error: plainIssue });
  if (result.success) return result.data;
  const violations = result.error.issues.flatMap(violationsIn);
  throw new TrikdError('invalid', `the spec is invalid:\n${z.prettifyError(result.error)}`, { violations });
}

function refused(sentence: string, options?: ErrorOptions): TrikdError {
  return new TrikdError('invalid', sentence, { field: 'spec' }, options);
}

/** A mistake as the fields that it is about. */
function violationsIn(issue: z.core.$ZodIssue): readonly FieldViolation[] {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [];
  if (unknown.length > 0) {
    return unknown.map((key) => ({ field: pathOf([...issue.path, key]), description: 'there is no such field' }));
  }
  return [{ field: pathOf(issue.path), description: issue.message }];
}

/** As `spec.student.objective[0].weight`. */
function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`),
    'spec',
  );
}
