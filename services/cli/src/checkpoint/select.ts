import { TrikdError } from '@trikd/core/domain/errors';
import type { Entry } from './catalogue.js';

/** How many checkpoints a sentence names. */
const NAMED = 8;

/**
 * The checkpoint that somebody asks for: `latest`, `generation/step` (the newest attempt that has it), `generation/step-attempt`, or
 * a key.
 * @param entries newest first
 * @throws TrikdError 'not-found' naming what there is
 */
export function selected(entries: readonly Entry[], wanted: string, runId: string): Entry {
  const entry =
    wanted === 'latest'
      ? entries.find(({ standing }) => standing === 'live')
      : entries.find(({ key, name }) => key === wanted || name === wanted || name.split('-', 1)[0] === wanted);
  if (entry) return entry;
  const names = entries.map(({ name }) => name);
  const more = names.length > NAMED ? ` and ${names.length - NAMED} older` : '';
  const there = names.length === 0 ? 'it has none yet' : `it has ${names.slice(0, NAMED).join(', ')}${more}`;
  const asked = wanted === 'latest' ? 'live checkpoint' : `checkpoint ${wanted}`;
  throw new TrikdError('not-found', `run ${runId} has no ${asked}; ${there}`);
}
