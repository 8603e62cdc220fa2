import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import {
  blobsOf,
  type FoundManifest,
  type LearnerPart,
  manifestPosition,
  manifestsNewestFirst,
  type PairManifest,
} from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { bestStage } from '@trikd/core/run/promotion';
import { type RunState, resumePair } from '@trikd/core/run/state';
import { readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { manifestsOf } from '@trikd/core/run/stored/collector';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { z } from 'zod';
import { assertLearners, inOrderOf } from '../../run/participants.js';
import type { OpenRun } from './open-run.js';

/**
 * State of a checkpoint: `live` when the run's state names it, `orphan` when it does not, `damaged` when it cannot be read, whether the
 * run needs it or not, and `gone` when the state names it and it does not exist.
 */
export type CheckpointStatus = 'live' | 'orphan' | 'damaged' | 'gone';

/** Roles of a checkpoint: the run continues from it; its student was promoted, is the current anchor, is the result of the run. */
export type Mark = 'resumes here' | 'promoted' | 'anchor' | 'best';

/** A checkpoint of a run, existing or missing. */
export interface Entry {
  /** `stage/step-attempt`, or the key when it has another form. */
  readonly name: string;
  readonly key: string;
  readonly stage?: number;
  readonly step?: number;
  readonly attempt?: number;
  /** Whether the state of the run names it. */
  readonly needed: boolean;
  readonly status: CheckpointStatus;
  readonly marks: readonly Mark[];
  /** ISO 8601; known from the log of events. */
  readonly writtenAt?: string;
  readonly manifest?: PairManifest;
  /** Why the manifest cannot be read. */
  readonly refusal?: TrikdError;
}

/** All manifests in the store of a run, and those that are missing, newest first. */
export async function catalogue({ spec, state, store, events }: OpenRun): Promise<readonly Entry[]> {
  const found: FoundManifest[] = [];
  for await (const one of manifestsNewestFirst(store, spec.name)) found.push(one);
  const anchor = await currentAnchor(store, spec.name, state);
  const best = bestStage(state.results, spec);
  return entriesOf(state, found, { anchor, best }, events === undefined ? new Map() : await committedTimes(events));
}

/** The stage whose student is the anchor. A damaged pointer is not an error here. */
async function currentAnchor(store: ObjectStore, runId: string, state: RunState): Promise<number | undefined> {
  try {
    return (await readPointer(store, runId))?.stage;
  } catch (error) {
    if (!(error instanceof TrikdError && error.kind === 'corrupt')) throw error;
    return 'anchor' in state ? state.anchor?.stage : undefined;
  }
}

/** Stages whose student is the anchor, and whose decisive learner is the best of the run. */
type StudentsOf = Readonly<Record<'anchor' | 'best', number | undefined>>;

/**
 * @param found newest first
 * @param times of writing, by key
 */
function entriesOf(
  state: RunState,
  found: readonly FoundManifest[],
  students: StudentsOf,
  times: ReadonlyMap<string, string>,
): readonly Entry[] {
  const named = manifestsOf(state);
  const entry = (one: FoundManifest): Entry => {
    const { key } = one;
    const needed = named.includes(key);
    const writtenAt = times.get(key);
    return {
      ...nameOf(key),
      key,
      needed,
      marks: marksOf(key, state, students),
      ...(writtenAt !== undefined && { writtenAt }),
      ...('manifest' in one
        ? { status: needed ? 'live' : 'orphan', manifest: one.manifest }
        : { status: 'damaged', refusal: one.refusal }),
    };
  };
  const gone = named
    .filter((key) => found.every((one) => one.key !== key))
    .map(
      (key): Entry => ({
        ...entry({ key, refusal: new TrikdError('corrupt', `the manifest ${key} is gone`) }),
        status: 'gone',
      }),
    );
  return [...found.map(entry), ...gone].sort((a, b) => (a.key < b.key ? 1 : a.key > b.key ? -1 : 0));
}

function marksOf(key: string, state: RunState, { anchor, best }: StudentsOf): readonly Mark[] {
  const result = state.results.find(({ pair }) => pair.manifestKey === key);
  return [
    ...('pairs' in state && resumePair(state)?.manifestKey === key ? (['resumes here'] as const) : []),
    ...(result?.promoted ? (['promoted'] as const) : []),
    ...(result && result.stage === anchor ? (['anchor'] as const) : []),
    ...(result && result.stage === best ? (['best'] as const) : []),
  ];
}

function nameOf(key: string): Pick<Entry, 'name' | 'stage' | 'step' | 'attempt'> {
  const position = manifestPosition(key);
  if (!position) return { name: key };
  const { stage, step, attempt } = position;
  return { name: `${stage}/${step}-${attempt}`, stage, step, attempt };
}

/** Bytes of all blobs that a manifest names. */
export function bytesOf(manifest: PairManifest): number {
  const blobs = new Map(blobsOf(manifest).map((blob) => [blob.key, blob]));
  return [...blobs.values()].reduce((sum, { bytes }) => sum + bytes, 0);
}

const Committed = z.object({ time: z.iso.datetime(), committed: z.object({ manifestKey: z.string() }) });

/** When manifests were written, by key, from a log of events. Other lines, and lines that cannot be read, are skipped. */
export async function committedTimes(path: string): Promise<ReadonlyMap<string, string>> {
  const times = new Map<string, string>();
  if (!existsSync(path)) return times;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const event = line.includes('"committed"') ? Committed.safeParse(jsonOf(line)) : undefined;
    if (event?.success) times.set(event.data.committed.manifestKey, event.data.time);
  }
  return times;
}

/** A process that was killed while it wrote leaves half a line. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Most checkpoints that an error names. */
const NAMED = 8;

/**
 * Finds a checkpoint by `latest`, `stage/step` (of its newest attempt), `stage/step-attempt`, or key.
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

/** A learner by name, and its part of a checkpoint. */
export type NamedPart = readonly [name: string, part: LearnerPart];

/**
 * The learners of a checkpoint, in the order of the run.
 * @param checkpoint its name, for an error
 * @param wanted names; empty: all
 * @throws TrikdError 'not-found' for a name that the run or the checkpoint does not have
 */
export function learnersOf(
  spec: RunSpec,
  { learners }: PairManifest,
  checkpoint: string,
  wanted: readonly string[],
): readonly NamedPart[] {
  assertLearners(spec, wanted);
  const names = inOrderOf(spec, Object.keys(learners));
  return (wanted.length > 0 ? wanted : names).map((name) => {
    const part = learners[name];
    if (part) return [name, part];
    const there = names.join(', ');
    throw new TrikdError('not-found', `the checkpoint ${checkpoint} has no learner ${name}; it has ${there}`);
  });
}
