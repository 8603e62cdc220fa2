import { TrikdError } from '../domain/errors.js';
import type { ObjectStore } from '../domain/object-store.js';
import { manifestAt, type PairManifest } from './manifest.js';
import { MAX_SEALED_BYTES } from './sealed-json.js';

/** What the state of a run implies about a manifest. */
export interface ExpectedManifest extends Pick<PairManifest, 'runId' | 'generation' | 'step' | 'specDigest'> {
  /** Undefined if not known. */
  readonly datasetDigest: string | undefined;
  /** SHA-256 of the params of each frozen model of the stage, by name. */
  readonly frozen: Readonly<Record<string, string>>;
}

/**
 * Loads a manifest and returns it only if it is whole, is stored at its own key and belongs to the expected run. The
 * state that names a manifest is written after it, so an absent manifest was lost.
 * @throws TrikdError 'corrupt' if it is absent or not as expected
 */
export async function loadManifest(store: ObjectStore, key: string, expected: ExpectedManifest): Promise<PairManifest> {
  const manifest = await readManifest(store, key);
  assertManifest(key, manifest, expected);
  return manifest;
}

/**
 * Reads a manifest as it is.
 * @throws TrikdError 'corrupt' if it is absent, damaged or of another key
 */
export async function readManifest(store: ObjectStore, key: string): Promise<PairManifest> {
  return manifestAt(key, await read(store, key));
}

/**
 * Compares a manifest with what is expected of it.
 * @throws TrikdError 'corrupt' with the field and both values
 */
export function assertManifest(key: string, manifest: PairManifest, expected: ExpectedManifest): void {
  for (const name of ['runId', 'generation', 'step', 'specDigest'] as const) {
    assertEqual(key, name, manifest[name], expected[name]);
  }
  const names = new Set([...Object.keys(manifest.frozen), ...Object.keys(expected.frozen)]);
  for (const name of names) assertEqual(key, name, manifest.frozen[name], expected.frozen[name]);
  const { datasetDigest } = expected;
  if (datasetDigest !== undefined) assertEqual(key, 'datasetDigest', manifest.datasetDigest, datasetDigest);
}

/** Anything larger than a manifest is not read: it could fill the memory. */
async function read(store: ObjectStore, key: string): Promise<Uint8Array> {
  const size = await store.size(key);
  if (size !== undefined && size > MAX_SEALED_BYTES) {
    throw new TrikdError('corrupt', `the manifest ${key} has ${size} bytes, at most ${MAX_SEALED_BYTES} are allowed`);
  }
  const object = await store.get(key);
  if (!object) throw new TrikdError('corrupt', `the manifest ${key} is gone`);
  return object.bytes;
}

function assertEqual(key: string, name: string, found: unknown, expected: unknown): void {
  if (found === expected) return;
  throw new TrikdError('corrupt', `the manifest ${key} has ${name} ${found ?? 'none'}, expected ${expected ?? 'none'}`);
}
