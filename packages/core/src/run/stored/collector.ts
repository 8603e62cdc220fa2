import { blobsOf, manifestPosition, parseManifest } from '../../checkpoint/manifest.js';
import { TrikdError } from '../../domain/errors.js';
import type { ObjectStore } from '../../domain/object-store.js';
import type { StageAttempt } from '../../domain/position.js';
import { answersFolder } from '../../remote/kept-answers.js';
import { stagesOf } from '../../stages/stages-of.js';
import { hasEnded, type RunState } from '../state.js';
import { howItStands } from '../steer.js';
import { pointerKey, readPointer } from './anchor-pointer.js';
import { loadRun, saveRun, specKey, stateKey } from './run-store.js';

/** The manifests that a state names: those of the current stage's pairs, and the last one of each earlier stage. */
export function manifestsOf(state: RunState): readonly string[] {
  const pairs = 'pairs' in state ? state.pairs : [];
  const last = 'outcome' in state && state.outcome ? [state.outcome.pair] : [];
  return [...state.results.map(({ pair }) => pair), ...pairs, ...last].map(({ manifestKey }) => manifestKey);
}

/** The blobs that a state names directly: the best models of every stage, and the anchor. */
function blobsNamedBy(state: RunState): readonly string[] {
  const outcomes = 'outcome' in state && state.outcome ? [...state.results, state.outcome] : state.results;
  const best = outcomes.flatMap(({ learners }) => Object.values(learners).map((learner) => learner.best.params.key));
  return 'anchor' in state && state.anchor ? [...best, state.anchor.params.key] : best;
}

/**
 * Removes what a state no longer names: manifests that `before` names and `after` does not, then the blobs that only those name.
 * Call it after `after` was saved over `before`: a process whose state was replaced by another has nothing to remove. An upload in
 * progress is safe: no manifest of its attempt is dropped, or its blob is looked up again when its pair is committed.
 * @returns keys removed
 */
export async function collectDropped(
  store: ObjectStore,
  runId: string,
  before: RunState,
  after: RunState,
): Promise<readonly string[]> {
  const kept = new Set(manifestsOf(after));
  const dropped = manifestsOf(before).filter((key) => !kept.has(key));
  if (dropped.length === 0) return [];
  // A manifest names blobs of its own stage only, so the manifests of other stages need not be read.
  const stages = new Set(dropped.map(stageOf));
  const live = await liveBlobs(store, runId, after, stages);
  if (!live) return [];
  const blobs = new Set<string>();
  for (const key of dropped) for (const blob of (await blobsNamedIn(store, key)) ?? []) blobs.add(blob);
  return removeAll(store, [...dropped, ...[...blobs].filter((key) => !live.has(key))]);
}

/**
 * Removes blobs and manifests of earlier attempts that the state does not name, such as those of a process that died between an upload
 * and its manifest, and the answers of remote models to earlier stages. The current attempt and later ones are left alone.
 * @returns keys removed
 */
export async function collectLeftovers(store: ObjectStore, runId: string, state: RunState): Promise<readonly string[]> {
  const live = await liveBlobs(store, runId, state);
  if (!live) return [];
  const kept = new Set([...live, ...manifestsOf(state)]);
  const manifests = await store.list(`runs/${runId}/manifests/`);
  const blobs = await store.list(`runs/${runId}/blobs/`);
  const over = [...manifests, ...blobs].filter((key) => !kept.has(key) && isOver(key, runId, state));
  const answers = await store.list(answersFolder(runId));
  return removeAll(store, [...over, ...answers.filter((key) => isAnsweredBefore(key, runId, state))]);
}

/** Whether a key has answers to a stage that is over: a stage is trained again from them as long as it has attempts. */
function isAnsweredBefore(key: string, runId: string, { phase, stage: stageIndex }: RunState): boolean {
  const [stage = ''] = key.slice(answersFolder(runId).length).split('/');
  return /^\d+$/.test(stage) && (phase === 'completed' || Number(stage) < stageIndex);
}

/** Whether a key belongs to an attempt before the current one. A completed run has no current attempt. */
function isOver(key: string, runId: string, state: RunState): boolean {
  const attempt = attemptIn(key, runId);
  if (!attempt) return false;
  if (state.phase === 'completed') return true;
  const { stage, attempt: number } = attempt;
  return stage < state.stage || (stage === state.stage && number < state.attempt);
}

function attemptIn(key: string, runId: string): StageAttempt | undefined {
  const [, stage, attempt] = /\/blobs\/(\d+)\.(\d+)\//.exec(key) ?? [];
  if (stage === undefined || attempt === undefined) return manifestPosition(key);
  return { runId, stage: Number(stage), attempt: Number(attempt) };
}

function stageOf(key: string): number | undefined {
  return manifestPosition(key)?.stage;
}

/**
 * All blobs that a state and the pointer name: the pointer may name a student that the state no longer does. Undefined when a
 * manifest cannot be read: what it names is unknown, and nothing may be removed.
 * @param stages whose manifests are read; all, if absent
 */
async function liveBlobs(
  store: ObjectStore,
  runId: string,
  state: RunState,
  stages?: ReadonlySet<number | undefined>,
): Promise<ReadonlySet<string> | undefined> {
  const live = new Set(blobsNamedBy(state));
  const pointer = await unlessCorrupt(() => readPointer(store, runId));
  if (pointer === 'corrupt') return undefined;
  if (pointer) live.add(pointer.params.key);
  const manifests = manifestsOf(state).filter((key) => !stages || stages.has(stageOf(key)));
  for (const key of manifests) {
    const blobs = await blobsNamedIn(store, key);
    if (!blobs) return undefined;
    for (const blob of blobs) live.add(blob);
  }
  return live;
}

async function blobsNamedIn(store: ObjectStore, key: string): Promise<readonly string[] | undefined> {
  const object = await store.get(key);
  if (!object) return undefined;
  const manifest = await unlessCorrupt(async () => parseManifest(object.bytes));
  return manifest === 'corrupt' ? undefined : blobsOf(manifest).map((blob) => blob.key);
}

async function unlessCorrupt<T>(read: () => Promise<T>): Promise<T | 'corrupt'> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'corrupt') return 'corrupt';
    throw error;
  }
}

/** Manifests first: a manifest never names a removed blob. */
async function removeAll(store: ObjectStore, keys: readonly string[]): Promise<readonly string[]> {
  const manifestsFirst = keys.toSorted((a, b) => Number(a.includes('/blobs/')) - Number(b.includes('/blobs/')));
  for (const key of manifestsFirst) await store.remove(key);
  return manifestsFirst;
}

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
      `the run cannot be deleted: ${howItStands(run.state, stagesOf(run.spec)[run.state.stage]?.name)}`,
      details,
    );
  }
  // A process that lost the lead without noticing is stopped here.
  await saveRun(store, run, { term });
  await store.remove(pointerKey(runId));
  await store.remove(stateKey(runId));
}
