import {
  blobsOf,
  encodeManifest,
  MANIFEST_VERSION,
  manifestAt,
  manifestKey,
  type PairManifest,
} from '@trikd/core/checkpoint/manifest';
import type { Blob } from '@trikd/core/domain/blob';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { PairRef, Training } from '@trikd/core/run/state';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { attemptOf } from '../duties/scope.js';
import type { Pair } from './generation-progress.js';

/** Where the manifest of a pair goes, and what it says besides the pair. */
export interface CommitTarget {
  readonly spec: RunSpec;
  readonly store: ObjectStore;
  /** Names the process in manifests. */
  readonly writer: string;
  /** SHA-256 of the params of each frozen model of the stage, by name. */
  readonly frozen: Readonly<Record<string, string>>;
}

/**
 * Writes the manifest of checkpoints that are in the store. Writing it again changes nothing, also after another leader wrote it.
 * @throws TrikdError 'corrupt' for a blob that is gone or has another size, 'out-of-step' when another pair has the same position
 */
export async function commitPair(target: CommitTarget, todo: Training, { step, learners }: Pair): Promise<PairRef> {
  const { spec, store, writer, frozen } = target;
  const parts = Object.entries(learners).map(([name, { state, best }]) => [name, { state, ...(best && { best }) }]);
  const manifest: PairManifest = {
    version: MANIFEST_VERSION,
    ...attemptOf(spec, todo),
    step,
    specDigest: specDigest(spec),
    datasetDigest: todo.facts.datasetDigest,
    frozen,
    learners: Object.fromEntries(parts),
    ...(todo.numerics && { numerics: todo.numerics }),
    writer,
  };
  for (const blob of blobsOf(manifest)) await assertThere(store, blob);
  const key = manifestKey(manifest);
  if ((await store.create(key, encodeManifest(manifest))) === 'exists') await assertSame(store, key, manifest);
  return { step, manifestKey: key };
}

/** The response to an own write may have been lost, or the leader before committed the same pair. */
async function assertSame(store: ObjectStore, key: string, manifest: PairManifest): Promise<void> {
  const there = await store.get(key);
  const found = there && encodeManifest({ ...manifestAt(key, there.bytes), writer: manifest.writer });
  if (found && Buffer.compare(found, encodeManifest(manifest)) === 0) return;
  throw new TrikdError('out-of-step', `another process has committed other checkpoints as ${key}`);
}

/** A manifest is written last: over blobs that are in the store, whole. */
async function assertThere(store: ObjectStore, { key, bytes }: Blob): Promise<void> {
  const size = await store.size(key);
  if (size === bytes) return;
  throw new TrikdError(
    'corrupt',
    `blob ${key}: ${size === undefined ? 'it is gone' : `${size} bytes`}, expected ${bytes}`,
  );
}
