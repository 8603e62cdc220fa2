import { z } from 'zod';
import { TrikdError } from '../errors.js';
import { canonicalJson, RunSpec } from '../spec.js';
import type { ObjectStore } from '../store.js';
import { specDifferences } from './spec-differences.js';
import { firstState, RunState } from './state.js';

const StateFile = z.strictObject({ version: z.literal(1), state: RunState });

/** A run as the store has it. */
export interface SavedRun {
  readonly spec: RunSpec;
  readonly state: RunState;
  /** What the next write of the state compares: whoever else wrote in between wins. */
  readonly version: string;
}

/** Where a run keeps its spec. Written once. */
export function specKey(runId: string): string {
  return `runs/${runId}/spec.json`;
}

/** Where a run keeps its state. Replaced by compare-and-swap alone. */
export function stateKey(runId: string): string {
  return `runs/${runId}/state.json`;
}

/**
 * Makes the run of a spec exist. Of many callers that race, one gets `created: true`, and owns attempt 1.
 * @throws TrikdError `invalid` when a run of this name has another spec, naming the fields that differ
 */
export async function createRun(store: ObjectStore, spec: RunSpec): Promise<SavedRun & { readonly created: boolean }> {
  await store.create(specKey(spec.name), encode(spec));
  const differences = specDifferences(await loadSpec(store, spec.name), spec);
  if (differences.length > 0) {
    throw new TrikdError('invalid', `run ${spec.name} exists with another spec: ${differences.join('; ')}`);
  }
  // A creator that died between the two writes left a spec without a state: the next one completes it.
  const outcome = await store.create(stateKey(spec.name), encode({ version: 1, state: firstState }));
  return { ...(await loadRun(store, spec.name)), created: outcome === 'created' };
}

/**
 * Reads a run.
 * @throws TrikdError `not-found` when there is none, `corrupt` when what is there is no run
 */
export async function loadRun(store: ObjectStore, runId: string): Promise<SavedRun> {
  const spec = await loadSpec(store, runId);
  const stored = await store.get(stateKey(runId));
  if (stored === undefined) throw new TrikdError('not-found', `there is no run ${runId}`);
  const { state } = decode(StateFile, stored.bytes, stateKey(runId));
  return { spec, state, version: stored.version };
}

/**
 * Replaces the state of a run that is still as it was read.
 * @throws TrikdError `out-of-step` when another orchestrator has written since
 */
export async function saveRun(store: ObjectStore, run: SavedRun, state: RunState): Promise<SavedRun> {
  const key = stateKey(run.spec.name);
  const bytes = encode(StateFile.parse({ version: 1, state }));
  const replaced = await store.replace(key, bytes, run.version);
  const now = await store.get(key);
  if (replaced === 'conflict' || now === undefined || Buffer.compare(now.bytes, bytes) !== 0) {
    throw new TrikdError('out-of-step', `another orchestrator drives run ${run.spec.name} now`);
  }
  return { ...run, state, version: now.version };
}

async function loadSpec(store: ObjectStore, runId: string): Promise<RunSpec> {
  const stored = await store.get(specKey(runId));
  if (stored === undefined) throw new TrikdError('not-found', `there is no run ${runId}`);
  return decode(RunSpec, stored.bytes, specKey(runId));
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson(value)}\n`);
}

function decode<S extends z.ZodType>(schema: S, bytes: Uint8Array, key: string): z.output<S> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new TrikdError('corrupt', `${key} of ${bytes.byteLength} bytes is no JSON`, {}, { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const mistakes = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new TrikdError('corrupt', `${key} is not what it should be: ${mistakes.join('; ')}`);
}
