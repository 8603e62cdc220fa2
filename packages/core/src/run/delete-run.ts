import { TrikdError } from '../domain/errors.js';
import type { ObjectStore } from '../domain/object-store.js';
import { stagesOf } from '../stages/stages-of.js';
import { pointerKey } from './anchor-pointer.js';
import { loadRun, saveRun, specKey, stateKey } from './run-store.js';
import { hasEnded } from './state.js';
import { howItStands } from './steer.js';

/** Folder of a run: spec, state, pointer, checkpoints. */
function runFolder(runId: string): string {
  return `runs/${runId}/`;
}

/** Folder of the events of a run, apart from the rest so that listing runs reads fewer keys. */
export function eventsFolder(runId: string): string {
  return `events/${runId}/`;
}

/**
 * Removes a run that has ended, or the remains of an interrupted removal. The state goes first and the spec last: until then no other run
 * of this name can be created over the remains.
 * @param term of the leader that removes the run
 * @throws TrikdError `not-found`, `wrong-state` when the run has not ended, `out-of-step` when another orchestrator drives it
 */
export async function deleteRun(store: ObjectStore, runId: string, term: number): Promise<void> {
  if ((await store.size(stateKey(runId))) !== undefined) await letGo(store, runId, term);
  else if ((await store.size(specKey(runId))) === undefined) {
    throw new TrikdError('not-found', `there is no run ${runId}`, { run: runId });
  }
  const own = (await store.list(runFolder(runId))).filter((key) => key !== specKey(runId));
  const keys = [...own, ...(await store.list(eventsFolder(runId)))];
  // A manifest never names a removed blob.
  const manifestsFirst = keys.toSorted((a, b) => Number(a.includes('/blobs/')) - Number(b.includes('/blobs/')));
  for (const key of [...manifestsFirst, specKey(runId)]) await store.remove(key);
}

async function letGo(store: ObjectStore, runId: string, term: number): Promise<void> {
  const run = await loadRun(store, runId);
  if (!hasEnded(run.state)) {
    const details = { run: runId, phase: run.state.phase };
    throw new TrikdError(
      'wrong-state',
      `the run cannot be deleted: ${howItStands(run.state, stagesOf(run.spec)[run.state.generation]?.name)}`,
      details,
    );
  }
  // A process that lost the lead without noticing is stopped here.
  await saveRun(store, run, { term });
  await store.remove(pointerKey(runId));
  await store.remove(stateKey(runId));
}
