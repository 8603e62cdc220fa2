/**
 * Reads the runs of a store again and again, as a process that takes part in nothing, and looks for what must never be seen. It ends
 * when its standard input does, and prints a ReaderReport.
 *
 * usage: node store-reader.ts FOLDER
 */
import { hash } from 'node:crypto';
import { blobsOf, parseManifest } from '@trikd/core/checkpoint/manifest';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import { type AnchorPointer, readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { manifestsOf } from '@trikd/core/run/stored/collector';
import { listRuns, loadRun, type SavedRun } from '@trikd/core/run/stored/run-store';
import { openFolderStore } from '@trikd/store/folder-store';

/** How much was read, and a sentence for each violation. */
export interface ReaderReport {
  /** Looks at a run: its state, its pointer and everything that either names. */
  readonly looks: number;
  readonly blobs: number;
  readonly manifests: number;
  /** Manifests without their blobs that no state names. */
  readonly strays: number;
  readonly violations: readonly string[];
}

/** How a run was seen last. */
interface Seen {
  run?: SavedRun;
  pointer?: AnchorPointer;
}

const violations: string[] = [];
const seen = new Map<string, Seen>();
const strays = new Set<string>();
let [looks, blobs, manifests] = [0, 0, 0];
let over = false;
process.stdin.on('end', () => {
  over = true;
});
process.stdin.resume();

const store = await openFolderStore(process.argv[2] ?? '');
while (!over) {
  for (const runId of await listRuns(store)) {
    // A run that is read as completed has been read to its end.
    if (!over && seen.get(runId)?.run?.state.phase !== 'completed') await look(store, runId);
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
}
const report: ReaderReport = { looks, blobs, manifests, strays: strays.size, violations };
console.log(JSON.stringify(report));

async function look(from: ObjectStore, runId: string): Promise<void> {
  const before: Seen = seen.get(runId) ?? {};
  const run = await loadRun(from, runId);
  if (before.run) compareRuns(runId, before.run, run);
  seen.set(runId, { ...before, run });
  await readPointed(from, runId);
  await readNamed(from, runId, run);
  await readManifests(from, runId);
  looks += 1;
}

/** A run never goes back, and ended stages do not change. */
function compareRuns(runId: string, before: SavedRun, now: SavedRun): void {
  const place = ({ state }: SavedRun) => state.stage * 1e6 + state.attempt;
  const says = ({ revision, term, state }: SavedRun) =>
    `revision ${revision}, term ${term}, stage ${state.stage}, attempt ${state.attempt}, ${state.results.length} results`;
  const ended = JSON.stringify(now.state.results.slice(0, before.state.results.length));
  const back =
    now.revision < before.revision ||
    now.term < before.term ||
    place(now) < place(before) ||
    ended !== JSON.stringify(before.state.results);
  if (back) violations.push(`${runId} went from ${says(before)} to ${says(now)}`);
}

/** The pointer never goes back, and its params are in the store, complete. */
async function readPointed(from: ObjectStore, runId: string): Promise<void> {
  const pointer = await readPointer(from, runId);
  const before = seen.get(runId)?.pointer;
  if (before && (!pointer || pointer.moves < before.moves || pointer.newest < before.newest)) {
    violations.push(`the pointer of ${runId} went from ${JSON.stringify(before)} to ${JSON.stringify(pointer)}`);
  }
  if (before?.moves === pointer?.moves && JSON.stringify(before) !== JSON.stringify(pointer)) {
    violations.push(`the pointer of ${runId} changed without a move: ${JSON.stringify([before, pointer])}`);
  }
  if (!pointer) return;
  seen.set(runId, { ...seen.get(runId), pointer });
  const wrong = await wrongWith(from, pointer.params);
  if (wrong && (await readPointer(from, runId))?.moves === pointer.moves) {
    violations.push(`the pointer of ${runId} names stage ${pointer.stage}: ${wrong}`);
  }
}

/** The blobs that a state names are in the store, complete. */
async function readNamed(from: ObjectStore, runId: string, run: SavedRun): Promise<void> {
  for (const key of manifestsOf(run.state).slice(-4)) {
    const wrong = await wrongWithManifest(from, key);
    if (!wrong) continue;
    const now = await loadRun(from, runId);
    if (manifestsOf(now.state).includes(key)) violations.push(`${runId} in ${run.state.phase} names ${key}: ${wrong}`);
  }
}

/**
 * A manifest that is there stands for a checkpoint that is there, unless no state names it: a leader that was frozen just before it wrote one
 * may write it when its attempt is over and its blobs are gone. No state ever names it, and the next attempt removes it.
 */
async function readManifests(from: ObjectStore, runId: string): Promise<void> {
  const keys = await from.list(`runs/${runId}/manifests/`);
  for (const key of keys.slice(-4)) {
    const wrong = await wrongWithManifest(from, key);
    if (!wrong || !(await from.get(key))) continue;
    strays.add(key);
    const { state } = await loadRun(from, runId);
    if (manifestsOf(state).includes(key)) violations.push(`${runId} names ${key}: ${wrong}`);
  }
}

async function wrongWithManifest(from: ObjectStore, key: string): Promise<string | undefined> {
  const object = await from.get(key);
  if (!object) return 'it is not there';
  manifests += 1;
  for (const blob of blobsOf(parseManifest(object.bytes))) {
    const wrong = await wrongWith(from, blob);
    if (wrong) return wrong;
  }
  return undefined;
}

async function wrongWith(from: ObjectStore, { key, sha256, bytes }: Blob): Promise<string | undefined> {
  const object = await from.get(key);
  blobs += 1;
  if (!object) return `${key} is not there`;
  const found = hash('sha256', object.bytes);
  if (object.bytes.length === bytes && found === sha256) return undefined;
  return `${key} has ${object.bytes.length} bytes with SHA-256 ${found}, not ${bytes} with ${sha256}`;
}
