import {
  blobsOf,
  type FoundManifest,
  manifestPosition,
  manifestsNewestFirst,
  type PairManifest,
} from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { readPointer } from '@trikd/core/run/anchor-pointer';
import { manifestsOf } from '@trikd/core/run/collector';
import { bestGeneration } from '@trikd/core/run/promotion';
import { type RunState, resumePair } from '@trikd/core/run/state';
import { committedTimes } from './committed-times.js';
import type { OpenRun } from './open-run.js';

/**
 * What a checkpoint is to its run: `live` when the state names it, `orphan` when nothing does, `damaged` when it cannot be read (the
 * run may need it or not), `gone` when the state names it and there is none.
 */
export type Standing = 'live' | 'orphan' | 'damaged' | 'gone';

/** What is special about it: the run goes on from it, its student was promoted, is the present anchor, is the best of the run. */
export type Mark = 'resumes here' | 'promoted' | 'anchor' | 'best';

/** A checkpoint of a run, there or missed. */
export interface Entry {
  /** `generation/step-attempt`; the key where that does not tell. */
  readonly name: string;
  readonly key: string;
  readonly generation?: number;
  readonly step?: number;
  readonly attempt?: number;
  /** Whether the state of the run names it. */
  readonly needed: boolean;
  readonly standing: Standing;
  readonly marks: readonly Mark[];
  /** ISO 8601, where a log of events tells. */
  readonly writtenAt?: string;
  readonly manifest?: PairManifest;
  /** Why there is no manifest. */
  readonly refusal?: TrikdError;
}

/** Everything that lies where a run has its manifests, and everything that should, newest first. */
export async function catalogue({ spec, state, store, events }: OpenRun): Promise<readonly Entry[]> {
  const found: FoundManifest[] = [];
  for await (const one of manifestsNewestFirst(store, spec.name)) found.push(one);
  const anchor = await presentAnchor(store, spec.name, state);
  return entriesOf(state, found, anchor, events === undefined ? new Map() : await committedTimes(events));
}

/** The generation whose student the pointer names; one that cannot be read marks nothing. */
async function presentAnchor(store: ObjectStore, runId: string, state: RunState): Promise<number | undefined> {
  try {
    return (await readPointer(store, runId))?.generation;
  } catch (error) {
    if (!(error instanceof TrikdError && error.kind === 'corrupt')) throw error;
    return 'anchor' in state ? state.anchor?.generation : undefined;
  }
}

/**
 * @param found newest first
 * @param anchor generation whose student is the anchor now
 * @param times when manifests were written, by key
 */
export function entriesOf(
  state: RunState,
  found: readonly FoundManifest[],
  anchor: number | undefined,
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
      marks: marksOf(key, state, anchor),
      ...(writtenAt !== undefined && { writtenAt }),
      ...('manifest' in one
        ? { standing: needed ? 'live' : 'orphan', manifest: one.manifest }
        : { standing: 'damaged', refusal: one.refusal }),
    };
  };
  const gone = named
    .filter((key) => found.every((one) => one.key !== key))
    .map(
      (key): Entry => ({
        ...entry({ key, refusal: new TrikdError('corrupt', `the manifest ${key} is gone`) }),
        standing: 'gone',
      }),
    );
  return [...found.map(entry), ...gone].sort((a, b) => (a.key < b.key ? 1 : a.key > b.key ? -1 : 0));
}

function marksOf(key: string, state: RunState, anchor: number | undefined): readonly Mark[] {
  const result = state.results.find(({ pair }) => pair.manifestKey === key);
  return [
    ...('pairs' in state && resumePair(state)?.manifestKey === key ? (['resumes here'] as const) : []),
    ...(result?.promoted ? (['promoted'] as const) : []),
    ...(result && result.generation === anchor ? (['anchor'] as const) : []),
    ...(result && result.generation === bestGeneration(state.results) ? (['best'] as const) : []),
  ];
}

function nameOf(key: string): Pick<Entry, 'name' | 'generation' | 'step' | 'attempt'> {
  const position = manifestPosition(key);
  if (!position) return { name: key };
  const { generation, step, attempt } = position;
  return { name: `${generation}/${step}-${attempt}`, generation, step, attempt };
}

/** Bytes of all blobs that a manifest names. */
export function bytesOf(manifest: PairManifest): number {
  const blobs = new Map(blobsOf(manifest).map((blob) => [blob.key, blob]));
  return [...blobs.values()].reduce((sum, { bytes }) => sum + bytes, 0);
}
