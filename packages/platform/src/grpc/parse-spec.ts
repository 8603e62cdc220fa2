import { TrikdError } from '@trikd/core/errors';
import { RunSpec } from '@trikd/core/spec';
import { z } from 'zod';

/**
 * A run spec from its JSON, with the defaults filled in.
 * @throws TrikdError 'invalid' that lists every mistake.
 */
export function parseSpec(json: string): RunSpec {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new TrikdError('invalid', `the spec is not JSON: ${String(cause)}`, {}, { cause });
  }
  const result = RunSpec.safeParse(value);
  if (result.success) return result.data;
  throw new TrikdError('invalid', `the spec is invalid:\n${z.prettifyError(result.error)}`);
}
