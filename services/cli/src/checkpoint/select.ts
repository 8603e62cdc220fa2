import { TrikdError } from '@trikd/core/domain/errors';
import type { Entry } from './catalogue.js';

/** Most checkpoints that an error names. */
const NAMED = 8;

/**
 * Finds a checkpoint by `latest`, `generation/step` (of its newest attempt), `generation/step-attempt`, or key.
 * @param entries newest first
 * @throws TrikdError 'not-found' that names the existing ones
 */
export function selected(entries: readonly Entry[], wanted: string, runId: string): Entry {
  const entry =
    wanted === 'latest'
      ? entries.find(({ status }) => status === 'live')
      : entries.find(({ key, name }) => key === wanted || name === wanted || name.split('-', 1)[0] === wanted);
  if (entry) return entry;
  const names = entries.map(({ name }) => name);
  const more = names.length > NAMED ? ` and ${names.length - NAMED} older` : '';
  const there = names.length === 0 ? 'it has none yet' : `it has ${names.slice(0, NAMED).join(', ')}${more}`;
  const asked = wanted === 'latest' ? 'live checkpoint' : `checkpoint ${wanted}`;
  throw new TrikdError('not-found', `run ${runId} has no ${asked}; ${there}`);
}
