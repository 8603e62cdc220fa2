import { readManifest } from '@trikd/core/checkpoint/load-manifest';
import type { PairManifest } from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { manifestsOf } from '@trikd/core/run/collector';
import type { RunState } from '@trikd/core/run/state';
import { readAhead } from './read-ahead.js';

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
const AT_ONCE = 8;

/** The checkpoints that the state of a run names: those of its current stage, and the last one of each ended stage. */
export async function listCheckpoints(store: ObjectStore, state: RunState): Promise<CheckpointList> {
  // Keys sort by stage and step.
  const keys = [...new Set(manifestsOf(state))].sort().reverse();
  const listed = keys.slice(0, MOST_CHECKPOINTS);
  const checkpoints: ListedCheckpoint[] = [];
  for await (const read of readAhead(listed, (key) => readManifest(store, key), AT_ONCE)) {
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
