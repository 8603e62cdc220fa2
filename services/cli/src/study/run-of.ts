import { TrikdError } from '@trikd/core/domain/errors';
import { newRun } from '@trikd/core/spec/new-run';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { Settings } from './merged.js';

/**
 * The spec of a new run with these settings.
 * @param where names them in the message
 * @throws TrikdError 'invalid' with every mistake
 */
export function runOf(settings: Settings, where: string): RunSpec {
  const parsed = RunSpec.safeParse(settings, { error: plainIssue });
  if (parsed.success) return newRun(parsed.data);
  const lines = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
  throw new TrikdError('invalid', `${where}:\n${lines.join('\n')}`);
}
