import type { ObjectStore } from '../domain/object-store.js';
import { encodeJson } from './json-object.js';

const FOLDER = 'queue/';

/** A marker by which a process tells the leader to look at a run. */
export interface Marker {
  readonly key: string;
  readonly runId: string;
}

/**
 * Tells the leader to look at a run that may wait for a trio. Called before and after the run is written: the first marker survives a
 * process that dies between the two, the second one a leader that looked in between.
 * @param nonce differs from that of every other marker, so that a leader that removes one never removes a later one
 */
export async function announce(store: ObjectStore, runId: string, nonce: string): Promise<void> {
  await store.create(`${FOLDER}${runId}.${nonce}`, encodeJson({ run: runId }));
}

/** The markers that no leader has removed. */
export async function markers(store: ObjectStore): Promise<readonly Marker[]> {
  return (await store.list(FOLDER)).flatMap((key) => {
    const [, runId] = /^queue\/([a-z0-9-]+)\./.exec(key) ?? [];
    return runId === undefined ? [] : [{ key, runId }];
  });
}
