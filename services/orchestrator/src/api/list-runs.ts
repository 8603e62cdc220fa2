import { TrikdError } from '@trikd/core/domain/errors';
import type { Owner } from '@trikd/core/run/placement';
import type { RunState } from '@trikd/core/run/state';
import { readAhead } from './read-ahead.js';

/** A page of runs that is wanted. */
export interface PageWanted {
  /** Runs at most; 0: 50. */
  readonly size: number;
  /** As the page before has given it; empty for the first. */
  readonly token: string;
  /** Only runs in one of these; none: all. */
  readonly phases: readonly RunState['phase'][];
  /** Only runs for which this holds, and none that cannot be read: whose they are is not known. Absent: all. */
  readonly visible?: (run: { readonly owner?: Owner }) => boolean;
}

/** Runs, sorted by name. */
export interface RunPage<Item> {
  readonly runs: readonly Item[];
  /** Runs of the page that cannot be read. */
  readonly unreadable: readonly { readonly runId: string; readonly reason: string }[];
  /** Of the next page; empty: there is none. */
  readonly nextToken: string;
}

const DEFAULT_SIZE = 50;
const LARGEST_SIZE = 1000;
/** Characters of specs and states, as JSON: what a page of the wire must not exceed by far. */
const LARGEST_PAGE = 2_000_000;

/** Runs that are read at once. */
const AT_ONCE = 16;

/** How the runs of a page are read, in whole or in short. */
export interface RunSource<Item> {
  /** The newest that is known of a run. */
  find(runId: string): Promise<Item>;
  phaseOf(run: Item): RunState['phase'];
  /** Characters as JSON, about. */
  sizeOf(run: Item): number;
}

/** @param all names of all runs, sorted */
export async function pageOfRuns<Item extends { readonly owner?: Owner }>(
  all: readonly string[],
  { size, token, phases, visible }: PageWanted,
  { find, phaseOf, sizeOf }: RunSource<Item>,
): Promise<RunPage<Item>> {
  const after = nameIn(token);
  const names = all.filter((name) => name > after);
  const most = Math.min(size === 0 ? DEFAULT_SIZE : size, LARGEST_SIZE);
  const runs: Item[] = [];
  const unreadable: { runId: string; reason: string }[] = [];
  let characters = 0;
  let index = -1;
  for await (const read of readAhead(names, find, AT_ONCE)) {
    index += 1;
    const runId = names[index] ?? '';
    try {
      const run = read();
      if (phases.length > 0 && !phases.includes(phaseOf(run))) continue;
      if (visible && !visible(run)) continue;
      runs.push(run);
      characters += sizeOf(run);
    } catch (error) {
      // One that was deleted meanwhile is none.
      if (!(error instanceof TrikdError) || error.kind === 'unavailable') throw error;
      if (error.kind !== 'not-found' && !visible) unreadable.push({ runId, reason: error.message });
    }
    const full = runs.length + unreadable.length >= most || characters >= LARGEST_PAGE;
    if (full && index < names.length - 1) return { runs, unreadable, nextToken: tokenOf(runId) };
  }
  return { runs, unreadable, nextToken: '' };
}

function tokenOf(name: string): string {
  return Buffer.from(`after ${name}`).toString('base64url');
}

function nameIn(token: string): string {
  if (token === '') return '';
  const [, name] = /^after ([a-z0-9][a-z0-9-]{0,62})$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  if (name !== undefined && tokenOf(name) === token) return name;
  throw new TrikdError('invalid', 'the page token is none that a page has given', { field: 'page_token' });
}
