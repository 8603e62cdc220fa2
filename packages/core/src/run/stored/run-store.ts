import { z } from 'zod';
import { TrikdError } from '../../domain/errors.js';
import type { ObjectStore } from '../../domain/object-store.js';
import { specDifferences } from '../../spec/new-run.js';
import { RunSpec } from '../../spec/run-spec.js';
import { Owner, Placement, type PlacementRequest, placementAfter, placementOfNew } from '../placement.js';
import { RunTimes, timesAfter, timesOfNew } from '../run-event.js';
import { firstState, RunState } from '../state.js';
import { decodeJson, decodeVersionedJson, encodeJson } from './json-object.js';

/** Of the state files that are written and read. */
const STATE_VERSION = 8;

/** Ids of requests that a run keeps, so that a repeated request has no second effect. */
const REQUESTS = 64;

/** Characters of a request's id, at most. */
export const LONGEST_REQUEST_ID = 128;

const StateRecord = z.strictObject({
  version: z.literal(STATE_VERSION),
  revision: z.int().positive().describe('rises with every write, so that no two contents of the file are the same'),
  term: z.int().nonnegative().describe('of the leader that wrote it; 0: no leader has driven the run yet'),
  requests: z.array(z.string().min(1)).max(REQUESTS).readonly().describe('ids of the newest requests that took effect'),
  owner: Owner.exactOptional().describe('absent when the run was created without identity'),
  placement: Placement,
  times: RunTimes,
  state: RunState,
});

/** A stored run. */
export interface SavedRun {
  readonly spec: RunSpec;
  readonly state: RunState;
  readonly term: number;
  readonly revision: number;
  readonly requests: readonly string[];
  readonly owner?: Owner;
  readonly placement: Placement;
  readonly times: RunTimes;
  /** The version that the next write of the state compares: a write by another process in between wins. */
  readonly version: string;
}

/** What a run is created with besides its spec. */
export interface NewRun {
  /** Id of the request; a repeated request finds the run created. */
  readonly request?: string;
  /** The time. */
  readonly at?: string;
  readonly owner?: Owner;
  readonly placement?: PlacementRequest;
}

/** The changes of a write. */
export interface RunChange {
  readonly state?: RunState;
  readonly placement?: Placement;
  /** Term of the leader that writes. */
  readonly term?: number;
  /** Id of the request that this write carries out. */
  readonly request?: string;
  /** Time of the write. */
  readonly at?: string;
}

/** Key of the spec, which is written once. */
export function specKey(runId: string): string {
  return `runs/${runId}/spec.json`;
}

/** Key of the state, which is replaced by compare-and-swap only. */
export function stateKey(runId: string): string {
  return `runs/${runId}/state.json`;
}

/**
 * Creates the run of a spec. Of many callers that race, one gets `created: true`.
 * @throws TrikdError `invalid` when a run of this name has another spec, naming the fields that differ
 */
export async function createRun(
  store: ObjectStore,
  spec: RunSpec,
  { request, at, owner, placement }: NewRun = {},
): Promise<SavedRun & { readonly created: boolean }> {
  await store.create(specKey(spec.name), encodeJson(spec));
  const differences = specDifferences(await loadSpec(store, spec.name), spec);
  if (differences.length > 0) {
    const violations = differences.map((text) => ({ field: `spec.${text.split(':')[0]}`, description: text }));
    throw new TrikdError('invalid', `run ${spec.name} exists with another spec: ${differences.join('; ')}`, {
      violations,
    });
  }
  // A creator that dies between the two writes leaves a spec without a state: the next creator completes it.
  const requests = request === undefined ? [] : [request];
  const first = {
    ...{ version: STATE_VERSION, revision: 1, term: 0, requests, state: firstState },
    ...(owner && { owner }),
    placement: placementOfNew(placement, at),
    times: timesOfNew(at),
  };
  const outcome = await store.create(stateKey(spec.name), encodeJson(StateRecord.parse(first)));
  return { ...(await loadRun(store, spec.name)), created: outcome === 'created' };
}

/**
 * Reads a run.
 * @throws TrikdError `not-found` when it does not exist, `corrupt` when it cannot be read
 */
export async function loadRun(store: ObjectStore, runId: string): Promise<SavedRun> {
  const spec = await loadSpec(store, runId);
  const stored = await store.get(stateKey(runId));
  if (stored === undefined) throw noSuchRun(runId);
  const { version: _, ...file } = decodeVersionedJson(StateRecord, stored.bytes, stateKey(runId), STATE_VERSION);
  return { spec, ...file, version: stored.version };
}

export function noSuchRun(runId: string): TrikdError {
  return new TrikdError('not-found', `there is no run ${runId}`, { run: runId });
}

/** The names of all runs, sorted. */
export async function listRuns(store: ObjectStore): Promise<readonly string[]> {
  return runsIn(await store.list('runs/'));
}

/** The names of the runs whose states are among some keys, sorted. */
export function runsIn(keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => /^runs\/([^/]+)\/state\.json$/.exec(key)?.[1] ?? []).sort();
}

/**
 * The highest term in which a run was written; runs that cannot be read do not count. After the loss of the lease the next term is
 * higher than this, since a run refuses writes of a lower term.
 */
export async function newestTerm(store: ObjectStore): Promise<number> {
  const terms = await Promise.all((await listRuns(store)).map((runId) => termOf(store, runId)));
  return Math.max(0, ...terms);
}

async function termOf(store: ObjectStore, runId: string): Promise<number> {
  try {
    return (await loadRun(store, runId)).term;
  } catch (error) {
    if (error instanceof TrikdError && (error.kind === 'corrupt' || error.kind === 'not-found')) return 0;
    throw error;
  }
}

/**
 * Replaces the state of a run, if it is still as it was read.
 * @throws TrikdError `out-of-step` when another orchestrator has written since, or in a later term
 */
export async function saveRun(store: ObjectStore, run: SavedRun, change: RunChange): Promise<SavedRun> {
  const { name } = run.spec;
  const { state = run.state, term = run.term, request, at } = change;
  const superseded = () => new TrikdError('out-of-step', `another orchestrator drives run ${name} now`);
  if (term < run.term) throw superseded();
  const requests = request === undefined ? run.requests : [...run.requests, request].slice(-REQUESTS);
  const times = timesAfter(run.times, run.state, state, at);
  const placement = placementAfter(change.placement ?? run.placement, run.state, state, at);
  const { owner } = run;
  const next = { revision: run.revision + 1, term, requests, ...(owner && { owner }), placement, times, state };
  const bytes = encodeJson(StateRecord.parse({ ...next, version: STATE_VERSION }));
  await store.replace(stateKey(name), bytes, run.version);
  // The content shows which write won: a write whose answer was lost is repeated, and then conflicts with itself.
  const now = await store.get(stateKey(name));
  if (now === undefined || Buffer.compare(now.bytes, bytes) !== 0) throw superseded();
  return { spec: run.spec, ...next, version: now.version };
}

async function loadSpec(store: ObjectStore, runId: string): Promise<RunSpec> {
  const stored = await store.get(specKey(runId));
  if (stored === undefined) throw noSuchRun(runId);
  return decodeJson(RunSpec, stored.bytes, specKey(runId));
}
