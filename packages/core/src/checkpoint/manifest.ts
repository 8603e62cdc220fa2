import { z } from 'zod';
import { TrikdError } from '../domain/errors.js';
import { type AttemptNumerics, LONGEST_NAME, MOST_KERNELS, type Numerics } from '../domain/numerics.js';
import { isStoreKey, type ObjectStore } from '../domain/object-store.js';
import type { Position } from '../domain/position.js';
import { areMetrics, type Blob, MOST_METRICS, type Score } from '../domain/role-checkpoint.js';
import { ParticipantName } from '../spec/fields.js';
import { MAX_SEALED_BYTES, openVersionedJson, sealJson } from './json.js';

const Count = z.int().min(0).max(0xffffffff);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

// With `satisfies`, a schema that lacks a field of its domain type does not compile.
const BlobSchema = z.strictObject({
  key: z.string().refine(isStoreKey, 'expected a key of the store'),
  sha256: Sha256,
  bytes: z.int().min(0),
}) satisfies z.ZodType<Blob>;

const ScoreSchema = z.strictObject({
  metrics: z
    .record(z.string(), z.number())
    .refine(areMetrics, `at most ${MOST_METRICS} metrics, named by lower-case letters, digits and dashes`)
    .readonly(),
  examples: Count,
}) satisfies z.ZodType<Score>;

const Text = z.string().max(LONGEST_NAME);

const NumericsSchema = z
  .strictObject({
    tensorflow: Text,
    processor: Text,
    kernels: z.array(Text).max(MOST_KERNELS).readonly(),
    device: Text,
    threads: Count,
    precision: Text,
  })
  .readonly() satisfies z.ZodType<Numerics>;

/** As a manifest and the state of a run have it. */
export const NumericsRecord = z
  .strictObject({
    teacher: NumericsSchema.exactOptional(),
    student: NumericsSchema.exactOptional(),
    anchor: NumericsSchema.exactOptional(),
  })
  .readonly() satisfies z.ZodType<AttemptNumerics>;

export const LearnerPart = z.strictObject({
  /** Params, batch-norm statistics and optimizer slots at the manifest's step. */
  state: BlobSchema,
  /** The best validated params so far; absent before the first validation. */
  best: z
    .strictObject({
      step: Count,
      validation: ScoreSchema,
      test: ScoreSchema.exactOptional(),
      params: BlobSchema,
    })
    .exactOptional(),
});
export type LearnerPart = z.infer<typeof LearnerPart>;

/** Of the manifests that are written and read. */
export const MANIFEST_VERSION = 3;

/**
 * Makes a checkpoint exist: the learners of a stage at the same step of the same attempt, with everything that their
 * numbers depend on. It is written last and only once; blobs that no manifest names are garbage.
 */
export const PairManifest = z.strictObject({
  version: z.literal(MANIFEST_VERSION),
  runId: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected the name of a run'),
  stage: Count,
  attempt: z.int().min(1).max(0xffffffff),
  /** Number of steps trained before this checkpoint. */
  step: Count,
  specDigest: Sha256,
  datasetDigest: Sha256,
  /** SHA-256 of the params of each frozen model of the stage, by name. */
  frozen: z.record(ParticipantName, Sha256),
  learners: z.record(ParticipantName, LearnerPart),
  /** What the models computed with. */
  numerics: NumericsRecord.exactOptional(),
  /** The process that wrote it. */
  writer: z.string().min(1),
});
export type PairManifest = Readonly<z.infer<typeof PairManifest>>;

/**
 * Encodes a manifest as sealed JSON: equal manifests give equal bytes.
 * @throws TrikdError 'invalid' for a manifest that no reader would accept
 */
export function encodeManifest(manifest: PairManifest): Uint8Array {
  return sealJson(checked(manifest, 'invalid'));
}

/**
 * Decodes a manifest.
 * @param what names the manifest in the message
 * @throws TrikdError 'corrupt' if a single bit has changed, with each field that is wrong, and for another version
 */
export function parseManifest(bytes: Uint8Array, what = 'manifest'): PairManifest {
  return checked(openVersionedJson(bytes, what, MANIFEST_VERSION), 'corrupt', what);
}

function checked(value: unknown, kind: 'invalid' | 'corrupt', what = 'manifest'): PairManifest {
  const parsed = PairManifest.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TrikdError(kind, `${what}: ${z.prettifyError(parsed.error).replaceAll(/\s+/g, ' ')}`);
}

/** The blobs that a manifest names. */
export function blobsOf({ learners }: PairManifest): readonly z.infer<typeof BlobSchema>[] {
  return Object.values(learners).flatMap(({ state, best }) => (best ? [state, best.params] : [state]));
}

/**
 * The key of the manifest at a position. Keys sort by step, then by attempt.
 * @throws TrikdError 'invalid' beyond 10 digits
 */
export function manifestKey({ runId, stage, step, attempt }: Position): string {
  return `${manifestFolder(runId, stage)}${digits(step)}-${digits(attempt)}.json`;
}

/** The position whose manifest has this key, or undefined if the key is not a manifest's. */
export function manifestPosition(key: string): Position | undefined {
  const [, runId, ...numbers] = /^runs\/([^/]+)\/manifests\/(\d{10})\/(\d{10})-(\d{10})\.json$/.exec(key) ?? [];
  const [stage, step, attempt] = numbers.map(Number);
  if (runId === undefined || stage === undefined || step === undefined || attempt === undefined) return undefined;
  return { runId, stage, attempt, step };
}

/** Prefix of the keys of all manifests of a run, or of one of its stages. */
function manifestFolder(runId: string, stage?: number): string {
  const folder = `runs/${runId}/manifests/`;
  return stage === undefined ? folder : `${folder}${digits(stage)}/`;
}

function digits(count: number): string {
  if (!Number.isSafeInteger(count) || count < 0 || count > 0xffffffff) {
    throw new TrikdError('invalid', `expected a whole number from 0 to 4294967295 in a key, found ${count}`);
  }
  return String(count).padStart(10, '0');
}

/** A manifest in the store, or the reason why the object at its key is not one. */
export type FoundManifest =
  | { readonly key: string; readonly manifest: PairManifest }
  | { readonly key: string; readonly refusal: TrikdError };

/**
 * All manifests of a run, or of one of its stages, newest first. Unusable ones are included, so a resume takes the
 * first valid one.
 */
export async function* manifestsNewestFirst(
  store: ObjectStore,
  runId: string,
  stage?: number,
): AsyncGenerator<FoundManifest, void, undefined> {
  const keys = await store.list(manifestFolder(runId, stage));
  for (const key of keys.toReversed()) {
    const object = await store.get(key);
    if (object) yield found(key, object.bytes);
  }
}

/**
 * The manifest at a key.
 * @throws TrikdError 'corrupt' if the object is not a manifest, or belongs to another key
 */
export function manifestAt(key: string, bytes: Uint8Array): PairManifest {
  const manifest = parseManifest(bytes, `manifest ${key}`);
  if (manifestKey(manifest) === key) return manifest;
  throw new TrikdError('corrupt', `manifest of ${manifestKey(manifest)} lies at ${key}`, { key });
}

function found(key: string, bytes: Uint8Array): FoundManifest {
  try {
    return { key, manifest: manifestAt(key, bytes) };
  } catch (error) {
    if (error instanceof TrikdError) return { key, refusal: error };
    throw error;
  }
}

/** What the state of a run implies about a manifest. */
export interface ExpectedManifest extends Pick<PairManifest, 'runId' | 'stage' | 'step' | 'specDigest'> {
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
  for (const name of ['runId', 'stage', 'step', 'specDigest'] as const) {
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
