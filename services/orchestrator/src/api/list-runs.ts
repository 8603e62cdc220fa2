import { type PairManifest, readManifest } from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Owner } from '@trikd/core/run/placement';
import type { RunView } from '@trikd/core/run/run-view';
import type { RunState } from '@trikd/core/run/state';
import { manifestsOf } from '@trikd/core/run/stored/collector';
import { listRuns, runsIn } from '@trikd/core/run/stored/run-store';
import { taggedIn } from '@trikd/core/run/stored/tags';
import { createRunSummaries, type ListedRun, type SummaryPorts } from '../runs/run-summaries.js';

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
const RUNS_AT_ONCE = 16;

/** How the runs of a page are read, in whole or in short. */
export interface RunSource<Item> {
  /** The newest that is known of a run. */
  find(runId: string): Promise<Item>;
  phaseOf(run: Item): RunState['phase'];
  /** Characters as JSON, about. */
  sizeOf(run: Item): number;
}

/** @param all names of all runs, sorted */
async function pageOfRuns<Item extends { readonly owner?: Owner }>(
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
  for await (const read of readAhead(names, find, RUNS_AT_ONCE)) {
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

/** The runs of a store, a page at a time. */
export interface RunPages {
  list(wanted: PageWanted): Promise<RunPage<RunView>>;
  /** The summaries of runs. For each run it reads one object that is small, and its tags if it has any. */
  summaries(wanted: PageWanted): Promise<RunPage<ListedRun>>;
}

export function createRunPages(ports: SummaryPorts): RunPages {
  const { store, find } = ports;
  const whole = { find, phaseOf: ({ state }: RunView) => state.phase, sizeOf: sizeOfView };
  const summaries = createRunSummaries(ports);
  return {
    list: async (wanted) => pageOfRuns(await listRuns(store), wanted, whole),
    summaries: async (wanted) => {
      const keys = await store.list('runs/');
      const tagged = taggedIn(keys);
      const read = (runId: string) => summaries.read(runId, tagged.has(runId));
      return pageOfRuns(runsIn(keys), wanted, { find: read, ...IN_SHORT });
    },
  };
}

/** What decides whether a summary is on a page, and how many fit on it. */
const IN_SHORT = {
  phaseOf: ({ phase }: ListedRun) => phase,
  sizeOf: (run: ListedRun) => JSON.stringify(run).length,
};

function sizeOfView({ spec, state }: RunView): number {
  return JSON.stringify([spec, state]).length;
}

/** A checkpoint that the state of a run names. */
export interface ListedCheckpoint {
  /** Of its manifest. */
  readonly key: string;
  /** Absent if it cannot be read. */
  readonly manifest?: PairManifest;
  /** Why it cannot be read. */
  readonly problem?: string;
}

/** Checkpoints, newest first. */
export interface CheckpointList {
  readonly checkpoints: readonly ListedCheckpoint[];
  /** Older ones that are not listed. */
  readonly omitted: number;
}

/** Checkpoints in a list, at most. */
export const MOST_CHECKPOINTS = 100;

/** Manifests that are read at once. */
const CHECKPOINTS_AT_ONCE = 8;

/** The checkpoints that the state of a run names: those of its current stage, and the last one of each ended stage. */
export async function listCheckpoints(store: ObjectStore, state: RunState): Promise<CheckpointList> {
  // Keys sort by stage and step.
  const keys = [...new Set(manifestsOf(state))].sort().reverse();
  const listed = keys.slice(0, MOST_CHECKPOINTS);
  const checkpoints: ListedCheckpoint[] = [];
  for await (const read of readAhead(listed, (key) => readManifest(store, key), CHECKPOINTS_AT_ONCE)) {
    const key = listed[checkpoints.length] ?? '';
    try {
      checkpoints.push({ key, manifest: read() });
    } catch (error) {
      if (!(error instanceof TrikdError) || error.kind !== 'corrupt') throw error;
      checkpoints.push({ key, problem: error.message });
    }
  }
  return { checkpoints, omitted: keys.length - listed.length };
}

/**
 * Reads things in their order, several at once. Each comes as a function that returns what was read, or throws why it could not be: a
 * failure ends the rest only if the caller lets it.
 * @param most reads at once
 */
export async function* readAhead<Name, Read>(
  names: readonly Name[],
  read: (name: Name) => Promise<Read>,
  most: number,
): AsyncGenerator<() => Read> {
  const begun: Promise<() => Read>[] = [];
  for (let index = 0; index < names.length; index += 1) {
    for (let next = index + begun.length; next < Math.min(names.length, index + most); next += 1) {
      begun.push(outcomeOf(read, names[next]!));
    }
    yield await begun.shift()!;
  }
}

async function outcomeOf<Name, Read>(read: (name: Name) => Promise<Read>, name: Name): Promise<() => Read> {
  try {
    const value = await read(name);
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
